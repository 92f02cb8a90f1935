// What is lent: changes of the host that protect it less, ordered by an administrator, and that end by themselves. A
// loan is journalled before it is written, and given back when its time is over by the wall clock or the steady one,
// after a restart of the host, when that is ordered, and when the service stops; what cannot be given back is tried
// again until it can. Loans block no repair: they hold the pen for one write only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent-lib/engine/agenda.hpp"
#include "agent-lib/engine/executor.hpp"
#include "agent-lib/engine/jobs.hpp"
#include "agent-lib/engine/pen.hpp"

namespace rdpmend {

// On the engine's executor.
class Loans {
 public:
  static constexpr Duration k_shortest = std::chrono::minutes{5};
  static constexpr Duration k_longest = std::chrono::hours{8};  // From each order on.

  struct Parts {
    const HostControl& host;
    Ledger& ledger;
    Jobs& jobs;
    Agenda& agenda;
    Pen& pen;
    bool forbidden;  // By the configuration: nothing is lent any more.
  };
  explicit Loans(const Parts& parts) : parts_(parts), executor_(parts.host, parts.ledger) {}

  // Gives back what is due, before anything else is done with the host.
  void start() { look(); }

  // An order that is carried out is journalled as `order`, together with what comes of it. Once the host shows it:
  // begun, or a running one ends that much from now. Else why not; the host is as it was then.
  void lend(v1::Loan::Kind kind, Duration duration, v1::AdminAction order, std::function<void(Result<v1::Loan>)> done);
  // Once it is given back. conflict: none runs, or somebody else has changed the setting, which is left alone. Other
  // errors: not yet, it is tried again.
  void give_back(v1::Loan::Kind kind, v1::AdminAction order, std::function<void(Status)> done);
  // The same answer for an order that is being carried out already, or was.
  void await_end(v1::Loan::Kind kind, std::function<void(Status)> done);
  std::optional<v1::Loan> running(v1::Loan::Kind kind) const;

  // Somebody may have changed what is lent.
  void host_changed();

  // Gives everything back: a service that does not run cannot end a loan. Called when no job is under way any more.
  void stop(std::function<void()> done);

 private:
  struct Order {
    v1::Loan loan;  // As it will begin, but for what is not known yet.
    Duration duration;
    v1::AdminAction action;
    std::function<void(Result<v1::Loan>)> done;
  };
  // What a look at a running loan has led to.
  struct Seen {
    enum class What { runs, returned, blocked, failed } what = What::runs;
    v1::Loan loan;
    Error error;         // failed only.
    std::string reason;  // Else.
  };

  Status may_be_ordered(Duration duration) const;
  Result<v1::Loan> reschedule(const v1::Loan& loan, Duration from_now, const v1::AdminAction& action);
  void set_end(v1::Loan& loan, Duration from_now) const;

  // --- beginning: look, record, write ---
  Result<v1::StepState> capture(const v1::Loan& loan) const;
  void captured(Result<v1::StepState> before);
  void lent(const Status& status);
  void answer_order(Result<v1::Loan> result);

  // --- ending ---
  void tick();
  void look();
  // The running ones, each with why it has to be given back now; empty: it runs.
  std::vector<std::pair<v1::Loan, std::string>> with_ends() const;
  std::string why_over(const v1::Loan& loan) const;
  // On the worker.
  std::vector<Seen> look_at(const std::vector<std::pair<v1::Loan, std::string>>& loans) const;
  Seen look_at(const v1::Loan& loan) const;
  Seen put_back(const v1::Loan& loan, const std::string& why) const;
  void seen(const std::vector<Seen>& all);
  void ended(const Seen& seen, v1::LoanEnded::Outcome outcome);
  void overdue(const Seen& seen);
  void answer_waiting(const v1::Loan& loan, const Status& status);
  void arm();
  SteadyTime now() const { return parts_.host.clock.steady(); }

  const Parts parts_;
  const Executor executor_;

  struct Retry {
    SteadyTime next{};
    Duration pause{};
  };
  std::optional<Order> order_;              // That is being carried out.
  std::map<std::uint64_t, Retry> retries_;  // Of loans that could not be given back.
  // A loan that has to end although its time is not over: it could not be written as it should, or the service stops.
  std::map<std::uint64_t, std::string> called_in_;
  std::multimap<std::uint64_t, std::function<void(Status)>> waiting_;  // For a loan to be given back.
  bool looking_ = false;
  bool look_again_ = false;
  bool stopping_ = false;
};

}  // namespace rdpmend
