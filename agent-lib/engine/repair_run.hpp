// One repair at a time, from plan to verdict: plan -> rungs of steps -> verify -> repaired | next rung | undo.
// Decides on the engine's executor, touches the host only in jobs on the worker, never waits: a verdict that is not
// known yet is asked for again on a later tick.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "agent-lib/engine/detection.hpp"
#include "agent-lib/engine/executor.hpp"
#include "agent-lib/engine/ledger.hpp"
#include "agent-lib/engine/policy.hpp"
#include "agent-lib/support/asio.hpp"

namespace rdpmend {

class RepairRun {
 public:
  RepairRun(const HostControl& host, Ledger& ledger, const Detection& detection, const Policy& policy,
            asio::any_io_executor engine, asio::any_io_executor worker);

  bool busy() const { return incident_id_ != 0; }
  std::uint64_t incident_id() const { return incident_id_; }

  // Detects again and plans. Then climbs the first rung, or proposes the plan: if `propose`, or if the rung needs
  // approval that nobody gave.
  void begin(std::uint64_t incident_id, bool propose);
  // An administrator agreed to the plan or rung that waits.
  void approve(std::uint64_t incident_id, const std::string& client);
  // Undoes what was written; the incident is escalated then.
  void roll_back(std::uint64_t incident_id, const std::string& reason);
  // Looks whether a repair that waits for approval of its next rung has become needless: verified is repaired.
  void recheck(std::uint64_t incident_id);
  // Goes on with what a crash or a stop interrupted: verifies if the rung was complete, else undoes.
  void resume(std::uint64_t incident_id);

  // When tick has something to do.
  std::optional<SteadyTime> next_tick() const { return next_verify_; }
  void tick();

  // Between two steps; what was written by then is undone.
  void request_stop();

  // Called when it is no longer busy with an incident, whenever next_tick has become sooner, and with each probe that
  // verification made.
  void set_on_idle(std::function<void(std::uint64_t incident_id)> on_idle) { on_idle_ = std::move(on_idle); }
  void set_on_due(std::function<void()> on_due) { on_due_ = std::move(on_due); }
  void set_on_probe(std::function<void(const v1::ProbeReport&)> on_probe) { on_probe_ = std::move(on_probe); }

  // How long the host may take to show the effect of a rung.
  static constexpr Duration k_verification_window = std::chrono::seconds{90};

 private:
  // What planning on the worker found.
  struct Prepared {
    std::optional<v1::Diagnosis> diagnosis;  // Absent: the fault is gone.
    v1::Plan plan;
    std::vector<v1::StepState> snapshot;  // Of the first rung.
  };

  void on_worker(std::function<void()> job);
  void on_engine(std::function<void()> next);

  Result<Prepared> prepare(const v1::Incident& incident) const;
  void prepared(Result<Prepared> result, bool propose, const std::string& approved_by);
  bool needs_approval(const v1::Rung& rung, const std::string& fault_id) const;
  void ask(const v1::Plan* new_plan, const std::string& reason);

  void start_first_rung(const Prepared& prepared, const std::string& approved_by);
  void start_rung(std::uint32_t rung_number, const std::string& approved_by);
  void climb(std::uint32_t rung_number, std::vector<v1::StepState> snapshot);
  void climbed(const Status& status);

  void start_verification();
  void verify();
  void verified(Result<v1::Verdict> verdict);
  void repaired(const v1::Verdict& verdict);
  void not_repaired(const v1::Verdict& verdict);

  void undo(const std::string& reason, v1::IncidentState then);
  void undone(const std::vector<std::string>& blocked, const std::string& reason, v1::IncidentState then);

  // Records and goes on; if it cannot be recorded, the run ends and the next start recovers.
  bool record(std::vector<v1::JournalEntry> entries);
  v1::JournalEntry state_change(v1::IncidentState to, const std::string& reason) const;
  std::shared_ptr<const v1::Incident> incident() const { return ledger_.incident(incident_id_); }
  void finish();

  const HostControl& host_;
  Ledger& ledger_;
  const Detection& detection_;
  const Policy& policy_;
  Executor executor_;
  asio::any_io_executor engine_;
  asio::any_io_executor worker_;
  std::function<void(std::uint64_t)> on_idle_;
  std::function<void()> on_due_;
  std::function<void(const v1::ProbeReport&)> on_probe_;

  std::uint64_t incident_id_ = 0;  // 0: idle.
  std::optional<SteadyTime> next_verify_;
  SteadyTime verify_until_{};
  bool rechecking_ = false;   // What waits for approval goes on waiting unless the verdict is repaired.
  std::string last_verdict_;  // What was recorded last, so that asking again is not recorded again.
  std::stop_source stop_;
};

}  // namespace rdpmend
