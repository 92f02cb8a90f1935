// The engine: signals in, diagnoses, incidents and repairs out. Owns all state; the journal is what it remembers by.
//
// Two executors: everything of the engine runs on `engine` (one thread), everything that may block on the host on
// `worker` (another one). Tests run both on one io_context over a virtual clock.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent-lib/engine/agenda.hpp"
#include "agent-lib/engine/check.hpp"
#include "agent-lib/engine/commands.hpp"
#include "agent-lib/engine/fault.hpp"
#include "agent-lib/engine/snapshot.hpp"
#include "agent-lib/host/host.hpp"
#include "agent-lib/record/journal.hpp"
#include "agent-lib/record/ledger.hpp"
#include "agent-lib/rules/catalogue.hpp"
#include "agent-lib/support/asio.hpp"
#include "rdpmend/v1/agent.pb.h"
#include "rdpmend/v1/config.pb.h"

namespace rdpmend {

struct EngineParts {
  HostControl host;
  Journal& journal;
  const Catalogue& catalogue;
  const std::vector<std::unique_ptr<Fault>>& faults;
  v1::PolicyConfig policy;  // With defaults filled in (service/config).
  Duration probe_deadline = std::chrono::seconds{5};
  std::string version;
  std::vector<std::string> degraded;  // Found at start-up; shown in status.
  std::span<const checks::Check> checks = {};
  // For the check of the service itself; from the worker, returning at once. What does not work at this moment, and how
  // well the event logs are followed. May be empty.
  std::function<std::vector<std::string>()> degraded_now = {};
  std::function<std::vector<v1::ChannelStatus>()> channels = {};
};

class Engine {
 public:
  template <class T>
  using Callback = std::function<void(Result<T>)>;

  Engine(EngineParts parts, asio::any_io_executor engine, asio::any_io_executor worker);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Replays the journal, recovers what a crash interrupted, journals ServiceStarted, and starts the first sweep.
  // Call before the executors run, or on the engine's.
  Status start();

  // One batch of a channel, from any thread. `taken` is called on the engine's executor when findings and bookmark are
  // durable: the channel's credit.
  void take(std::string channel, EventBatch batch, std::function<void()> taken);

  // A subscription had fallen silent and is open again: journalled. From any thread.
  void channel_reopened(v1::ChannelReopened what);

  // Something of the host's settings changed, from any thread: a sweep comes soon, at most one a minute.
  void host_changed();

  // Bookmarks to open the subscriptions with; valid after start().
  std::map<std::string, std::string> bookmarks() const;

  // --- from any thread; the callback runs on the engine's executor ---
  std::shared_ptr<const EngineSnapshot> snapshot() const;
  // `wanted`, from the worker: whether somebody still waits for the answer. At most Inquiries::k_most_at_once of all
  // at a time, else exhausted.
  void diagnose(std::vector<std::string> fault_ids, Callback<v1::DiagnoseResponse> done, std::function<bool()> wanted);
  // All checks: those of the last look at everything if they are not older than `max_age`, else by a look of their own.
  void health(Duration max_age, Callback<v1::GetHealthResponse> done, std::function<bool()> wanted);
  void plan_repair(std::string fault_id, Callback<v1::PlanRepairResponse> done, std::function<bool()> wanted);
  void self_test(std::function<v1::SelfTestResponse(const HostView&)> test, Callback<v1::SelfTestResponse> done,
                 std::function<bool()> wanted);
  void act(v1::ActRequest request, Client client, Callback<v1::Incident> done);
  // Journals it and keeps it as the newest. A request that was carried out already changes nothing, and is answered
  // with what it told; without `received` if that is not the newest any more.
  void report_probe(v1::ReportProbeRequest request, Client client, Callback<v1::OutsideProbe> done);
  // Answered when the host shows it: see Loans. A request that was carried out already is answered with what runs.
  void lend(v1::LendRequest request, Client client, Callback<v1::LendResponse> done);
  // Answered when it is given back, or could not be.
  void give_back(v1::GiveBackRequest request, Client client, Callback<v1::GiveBackResponse> done);
  // The mode in force.
  v1::FaultMode mode_of(const std::string& fault_id) const;

  // What the engine does by itself: sweeps, time-outs, what is tried again. The owner of a timer runs it on the
  // engine's executor.
  Agenda& agenda();
  // Whatever the service writes to the journal goes through it. From any thread.
  Ledger& ledger();

  // Finishes or undoes the current step, journals ServiceStopped; then `done`. Nothing begins afterwards.
  void stop(std::string reason, std::function<void()> done);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  asio::any_io_executor executor_;
};

}  // namespace rdpmend
