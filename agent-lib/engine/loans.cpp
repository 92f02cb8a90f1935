#include "agent-lib/engine/loans.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent-lib/steps/make.hpp"
#include "agent-lib/support/log.hpp"

namespace rdpmend {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view k_loans = "loans";
constexpr std::string_view k_changed = "loans after a change";
constexpr Duration k_clock_check = 1min;   // By then it is noticed that the wall clock was set.
constexpr Duration k_after_a_change = 5s;  // Whoever changes settings may not be done.
constexpr Duration k_first_pause = 10s;    // Before it is tried again to give back, doubled each time.
constexpr Duration k_longest_pause = 10min;
static_assert(k_clock_check < Loans::k_shortest && k_first_pause < k_longest_pause);

// unsupported: this version lends no such thing.
Result<v1::Step> step_of(v1::Loan::Kind kind) {
  switch (kind) {
    case v1::Loan::KIND_NLA: {
      auto step = set_setting(v1::SETTING_USER_AUTHENTICATION, 0);
      step.set_number(1);
      return step;
    }
    default: return fail(ErrorCode::invalid_argument, "this version of the service lends no such thing");
  }
}

// Without NLA, TLS is what is left to protect a connection, and SecurityLayer 2 what demands it ([MS-RDPBCGR] 5.4).
// Group Policy goes before the local value (TerminalServer.admx).
Status tls_stays_demanded(const Registry& registry) {
  for (const auto key : {registry_key::k_policy, registry_key::k_rdp_tcp}) {
    const auto layer = read_dword(registry, key, "SecurityLayer");
    if (!layer) return fail(Error(layer.error()).context("cannot tell whether clients must use TLS"));
    if (!*layer) continue;
    if (**layer == 2) return {};
    return fail(ErrorCode::denied,
                fmt::format("SecurityLayer is {}: without NLA clients could connect without TLS", **layer),
                "Raise SecurityLayer to 2 first.");
  }
  return fail(ErrorCode::denied, "SecurityLayer is absent: nobody knows whether clients would still have to use TLS",
              "Set SecurityLayer to 2 first.");
}

Error stopping() {
  return {ErrorCode::unavailable, "the service is stopping", "Try again when it runs.", {}};
}

}  // namespace

std::optional<v1::Loan> Loans::running(v1::Loan::Kind kind) const {
  for (auto& loan : parts_.ledger.loans()) {
    if (loan.kind() == kind) return std::move(loan);
  }
  return std::nullopt;
}

// --- orders ---

Status Loans::may_be_ordered(Duration duration) const {
  if (stopping_) return fail(stopping());
  if (parts_.forbidden) {
    return fail(ErrorCode::denied, "the configuration of this host forbids to relax its protection",
                "policy.forbid_relaxing in the service's configuration says so.");
  }
  if (duration < k_shortest || duration > k_longest) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{} is not between {} and {}", to_human(duration), to_human(k_shortest), to_human(k_longest)),
        "A running one can be prolonged by ordering it again.");
  }
  // Without it a loan would outlive a restart unnoticed.
  if (parts_.host.identity.boot_id.empty())
    return fail(ErrorCode::unavailable, "it cannot be told here when the host is restarted, so nothing is lent");
  return {};
}

void Loans::lend(v1::Loan::Kind kind, Duration duration, v1::AdminAction order,
                 std::function<void(Result<v1::Loan>)> done) {
  auto step = step_of(kind);
  if (!step) return done(fail(step.error()));
  if (const auto may = may_be_ordered(duration); !may) return done(fail(may.error()));
  if (order_) {
    return done(fail(ErrorCode::conflict, "an order of the same kind is being carried out", "Look at what it led to."));
  }
  if (const auto loan = running(kind)) return done(reschedule(*loan, duration, order));

  v1::Loan loan;
  loan.set_kind(kind);
  *loan.mutable_step() = std::move(*step);
  loan.set_boot_id(parts_.host.identity.boot_id);
  loan.set_asked_by(order.client());
  loan.set_why(order.comment());
  order_ = Order{std::move(loan), duration, std::move(order), std::move(done)};
  parts_.pen.take(Pen::k_lending, [this] {
    parts_.jobs.run<v1::StepState>(
        "look at what is to be lent", [this, loan = order_->loan] { return capture(loan); },
        [this](Result<v1::StepState> before) { captured(std::move(before)); });
  });
}

void Loans::give_back(v1::Loan::Kind kind, v1::AdminAction order, std::function<void(Status)> done) {
  const auto loan = running(kind);
  if (!loan || (order_ && order_->loan.kind() == kind)) {
    return done(fail(ErrorCode::conflict, "nothing of that kind is lent", "'rdpmend loans' lists what is."));
  }
  if (stopping_) return done(fail(stopping()));
  if (const auto recorded = reschedule(*loan, Duration::zero(), order); !recorded) return done(fail(recorded.error()));
  await_end(kind, std::move(done));
}

void Loans::await_end(v1::Loan::Kind kind, std::function<void(Status)> done) {
  const auto loan = running(kind);
  if (!loan || why_over(*loan).empty()) return done({});
  waiting_.emplace(loan->id(), std::move(done));
  look();
}

void Loans::set_end(v1::Loan& loan, Duration from_now) const {
  *loan.mutable_ends() = to_proto(parts_.host.clock.now() + from_now);
  *loan.mutable_ends_at_uptime() = to_proto_duration(now() + from_now);
}

Result<v1::Loan> Loans::reschedule(const v1::Loan& loan, Duration from_now, const v1::AdminAction& action) {
  const auto over = why_over(loan);
  if (!over.empty() && from_now > Duration::zero())
    return fail(ErrorCode::conflict, "it is just being given back: " + over, "Order it anew once it has ended.");
  auto moved = loan;
  set_end(moved, from_now);
  std::vector<v1::JournalEntry> entries(2);
  *entries[0].mutable_admin_action() = action;
  auto& body = *entries[1].mutable_loan_rescheduled();
  body.set_loan_id(loan.id());
  *body.mutable_ends() = moved.ends();
  *body.mutable_ends_at_uptime() = moved.ends_at_uptime();
  body.set_asked_by(action.client());
  body.set_why(action.comment());
  body.set_description(loan.step().description());
  if (auto recorded = parts_.ledger.record(std::move(entries)); !recorded) return fail(std::move(recorded).error());
  arm();
  return running(loan.kind()).value_or(moved);
}

// --- beginning ---

Result<v1::StepState> Loans::capture(const v1::Loan& loan) const {
  if (auto demanded = tls_stays_demanded(parts_.host.registry); !demanded) return fail(std::move(demanded).error());
  const auto& kind = *find_step_kind(loan.step());
  auto before = kind.capture(parts_.host.view(), loan.step());
  if (!before) return before;
  if (auto may = kind.may_lend(parts_.host.view(), loan.step(), *before); !may) return fail(std::move(may).error());
  return before;
}

void Loans::captured(Result<v1::StepState> before) {
  if (stopping_) before = fail(stopping());
  if (!before) return answer_order(fail(before.error()));
  auto& loan = order_->loan;
  loan.mutable_step()->set_description(find_step_kind(loan.step())->describe(loan.step(), *before));
  *loan.mutable_before() = std::move(*before);
  *loan.mutable_begun() = to_proto(parts_.host.clock.now());
  set_end(loan, order_->duration);
  std::vector<v1::JournalEntry> entries(2);
  *entries[0].mutable_admin_action() = order_->action;
  *entries[1].mutable_loan_begun()->mutable_loan() = loan;
  if (auto recorded = parts_.ledger.record(std::move(entries)); !recorded)
    return answer_order(fail(std::move(recorded).error()));
  parts_.jobs.run<void>(
      "lend", [this, loan] { return executor_.lend(loan.step(), loan.before()); },
      [this](const Status& status) { lent(status); });
}

void Loans::lent(const Status& status) {
  const auto loan = running(order_->loan.kind()).value_or(order_->loan);
  if (status) {
    answer_order(loan);
    return arm();
  }
  // Some of it may be there: it is put back like any other.
  called_in_[loan.id()] = "it could not be written: " + to_string(status.error());
  answer_order(fail(status.error()));
  look();
}

void Loans::answer_order(Result<v1::Loan> result) {
  const auto order = std::exchange(order_, std::nullopt);
  parts_.pen.give_back(Pen::k_lending);
  order->done(std::move(result));
}

// --- ending ---

std::string Loans::why_over(const v1::Loan& loan) const {
  if (const auto called = called_in_.find(loan.id()); called != called_in_.end()) return called->second;
  if (loan.boot_id() != parts_.host.identity.boot_id) return "the host was restarted";
  const bool over = parts_.host.clock.now() >= from_proto(loan.ends()) || now() >= from_proto(loan.ends_at_uptime());
  return over ? "its time is over" : "";
}

void Loans::host_changed() {
  if (parts_.ledger.loans().empty()) return;
  parts_.agenda.not_later_than(k_changed, now() + k_after_a_change, [this] { look(); });
}

// When the agenda says so: the clocks are asked, and the host only if something is due.
void Loans::tick() {
  const auto loans = parts_.ledger.loans();
  const bool due = std::any_of(loans.begin(), loans.end(), [this](const v1::Loan& loan) {
    const auto retry = retries_.find(loan.id());
    return !why_over(loan).empty() && (retry == retries_.end() || retry->second.next <= now());
  });
  if (due) return look();
  arm();
}

// All running ones, also those whose time is not over: somebody else may have changed what is lent.
void Loans::look() {
  look_again_ = looking_;
  if (looking_ || parts_.ledger.loans().empty()) return;
  looking_ = true;
  parts_.pen.take(Pen::k_giving_back, [this] {
    parts_.jobs.run<std::vector<Seen>>(
        "give back what was lent", [this, loans = with_ends()] { return Result<std::vector<Seen>>(look_at(loans)); },
        [this](const Result<std::vector<Seen>>& all) {
          parts_.pen.give_back(Pen::k_giving_back);
          looking_ = false;
          if (all) {
            seen(*all);
          } else {
            log::error("{}", to_string(all.error()));
          }
          arm();
          if (look_again_) look();
        });
  });
}

std::vector<std::pair<v1::Loan, std::string>> Loans::with_ends() const {
  std::vector<std::pair<v1::Loan, std::string>> all;
  for (auto& loan : parts_.ledger.loans()) {
    auto why = why_over(loan);
    all.emplace_back(std::move(loan), std::move(why));
  }
  return all;
}

std::vector<Loans::Seen> Loans::look_at(const std::vector<std::pair<v1::Loan, std::string>>& loans) const {
  std::vector<Seen> all;
  for (const auto& [loan, why] : loans) all.push_back(why.empty() ? look_at(loan) : put_back(loan, why));
  return all;
}

// Of one that runs on: a state that is not ours any more ends it, because nothing is relaxed then, or not by us.
Loans::Seen Loans::look_at(const v1::Loan& loan) const {
  Seen seen{Seen::What::runs, loan, {}, {}};
  const auto* kind = find_step_kind(loan.step());
  if (kind == nullptr) return seen;
  const auto found = kind->capture(parts_.host.view(), loan.step());
  if (!found) return seen;
  if (!kind->difference(loan.before(), *found)) {
    seen.what = Seen::What::returned;
    seen.reason = "the host is as it was before: nothing was written, or somebody else has put it back";
  } else if (const auto other = kind->difference(kind->expected_after(loan.step(), loan.before()), *found)) {
    seen.what = Seen::What::blocked;
    seen.reason = "somebody else has changed it, and it is left alone: " + *other;
  }
  return seen;
}

Loans::Seen Loans::put_back(const v1::Loan& loan, const std::string& why) const {
  Seen seen{Seen::What::returned, loan, {}, {}};
  std::string detail;
  const auto done = executor_.put_back(loan.step(), loan.before(), detail);
  if (done) {
    seen.reason = fmt::format("{}: {}", why, detail);
  } else if (done.error().code == ErrorCode::conflict) {
    seen.what = Seen::What::blocked;
    seen.reason = fmt::format("{}, and it is left alone: {}", why, done.error().what);
  } else {
    seen.what = Seen::What::failed;
    seen.error = done.error();
  }
  return seen;
}

void Loans::seen(const std::vector<Seen>& all) {
  for (const auto& seen : all) {
    switch (seen.what) {
      case Seen::What::runs: break;
      case Seen::What::returned: ended(seen, v1::LoanEnded::OUTCOME_RETURNED); break;
      case Seen::What::blocked: ended(seen, v1::LoanEnded::OUTCOME_BLOCKED); break;
      case Seen::What::failed: overdue(seen); break;
    }
  }
}

// What cannot be recorded is found ended by the next look.
void Loans::ended(const Seen& seen, v1::LoanEnded::Outcome outcome) {
  const auto recorded = parts_.ledger.record(0, [&](v1::JournalEntry& entry) {
    auto& body = *entry.mutable_loan_ended();
    body.set_loan_id(seen.loan.id());
    body.set_outcome(outcome);
    body.set_reason(seen.reason);
    body.set_description(seen.loan.step().description());
  });
  if (!recorded) log::error("the end of loan {} cannot be recorded: {}", seen.loan.id(), to_string(recorded.error()));
  retries_.erase(seen.loan.id());
  if (recorded) called_in_.erase(seen.loan.id());
  answer_waiting(seen.loan,
                 outcome == v1::LoanEnded::OUTCOME_RETURNED ? Status{} : fail(ErrorCode::conflict, seen.reason));
}

void Loans::overdue(const Seen& seen) {
  auto& retry = retries_[seen.loan.id()];
  retry.pause = std::clamp(2 * retry.pause, k_first_pause, k_longest_pause);
  retry.next = now() + retry.pause;
  const auto error = to_string(seen.error);
  log::error("loan {} cannot be given back: {}", seen.loan.id(), error);
  if (error != seen.loan.trouble()) {
    const auto recorded = parts_.ledger.record(0, [&](v1::JournalEntry& entry) {
      auto& body = *entry.mutable_loan_overdue();
      body.set_loan_id(seen.loan.id());
      body.set_error(error);
      body.set_description(seen.loan.step().description());
    });
    if (!recorded) log::error("that loan {} is overdue cannot be recorded", seen.loan.id());
  }
  auto told = seen.error;
  told.hint = "It is tried again without asking: 'rdpmend loans' shows it.";
  answer_waiting(seen.loan, fail(std::move(told)));
}

void Loans::answer_waiting(const v1::Loan& loan, const Status& status) {
  const auto [first, last] = waiting_.equal_range(loan.id());
  const std::vector<std::pair<std::uint64_t, std::function<void(Status)>>> all(first, last);
  waiting_.erase(first, last);
  for (const auto& [id, done] : all) done(status);
}

void Loans::arm() {
  const auto loans = parts_.ledger.loans();
  if (loans.empty()) return parts_.agenda.cancel(k_loans);
  auto next = now() + k_clock_check;
  for (const auto& loan : loans) {
    const auto retry = retries_.find(loan.id());
    if (!why_over(loan).empty()) {
      next = std::min(next, retry != retries_.end() ? retry->second.next : now() + k_first_pause);
    } else {
      next = std::min(
          {next, from_proto(loan.ends_at_uptime()), now() + (from_proto(loan.ends()) - parts_.host.clock.now())});
    }
  }
  parts_.agenda.at(k_loans, next, [this] { tick(); });
}

void Loans::stop(std::function<void()> done) {
  stopping_ = true;
  if (order_) answer_order(fail(stopping()));
  for (const auto& loan : parts_.ledger.loans()) called_in_.try_emplace(loan.id(), "the service stops");
  if (called_in_.empty()) return done();
  parts_.jobs.run<std::vector<Seen>>(
      "give back what was lent", [this, loans = with_ends()] { return Result<std::vector<Seen>>(look_at(loans)); },
      [this, done = std::move(done)](const Result<std::vector<Seen>>& all) {
        if (all) seen(*all);
        done();
      });
}

}  // namespace rdpmend
