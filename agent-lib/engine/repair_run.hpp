// The repair of one incident, from plan to verdict: plan -> rungs of steps -> verify -> repaired | next rung | undo.
// Decides on the engine's executor, touches the host only in jobs on the worker, never waits: a verdict that is not
// known yet is asked for again when the agenda says so. Writes only while it has the pen, and verifies without it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "agent-lib/engine/agenda.hpp"
#include "agent-lib/engine/detection.hpp"
#include "agent-lib/engine/executor.hpp"
#include "agent-lib/engine/jobs.hpp"
#include "agent-lib/engine/pen.hpp"
#include "agent-lib/engine/policy.hpp"
#include "agent-lib/record/ledger.hpp"

namespace rdpmend {

// What all repairs share.
struct RepairTools {
  const HostControl& host;
  Ledger& ledger;
  const Detection& detection;
  const Policy& policy;
  Jobs& jobs;
  Agenda& agenda;
  Pen& pen;
  std::stop_token stop;                                  // Between two steps; what was written by then is undone.
  std::function<void(const v1::ProbeReport&)> on_probe;  // Each that a verification made.
};

class RepairRun : public std::enable_shared_from_this<RepairRun> {
 public:
  // One of the five that begin it is called, once. `on_end`: it is over, in whatever state it left the incident.
  RepairRun(const RepairTools& tools, std::uint64_t incident_id, std::function<void()> on_end);

  // Detects again and plans. Then climbs the first rung, or proposes the plan: if `propose`, or if the rung needs
  // approval that nobody gave.
  void begin(bool propose);
  // An administrator agreed to the plan or rung that waits.
  void approve(const std::string& client);
  // Undoes what was written; the incident is escalated then.
  void roll_back(const std::string& reason);
  // Looks whether a repair that waits for approval of its next rung has become needless: verified is repaired.
  void recheck();
  // Goes on with what a crash or a stop interrupted: verifies if the rung was complete, else undoes.
  void resume();

 private:
  // What planning on the worker found.
  struct Prepared {
    std::optional<v1::Diagnosis> diagnosis;  // Absent: the fault is gone.
    MadePlan made;
  };
  using States = std::vector<v1::StepState>;

  void prepare_and(bool propose, const std::string& approved_by);
  Result<Prepared> prepare(const v1::Incident& incident, bool nothing_written_since) const;
  bool is_fresh(const v1::Diagnosis& diagnosis) const;
  Result<std::optional<v1::Diagnosis>> find_again(const HostView& host, const v1::Incident& incident) const;
  Result<std::string> what_forbids(std::uint32_t rung_number) const;
  void prepared(Result<Prepared> result, bool propose, const std::string& approved_by);
  bool needs_approval(const v1::Rung& rung, const std::string& fault_id) const;
  void ask(const v1::Plan* new_plan, const std::string& reason);

  void start_first_rung(const MadePlan& made, const std::string& approved_by);
  // Asks first if nobody has approved it and it needs that.
  void start_rung(std::uint32_t rung_number, const std::string& approved_by);
  void captured(std::uint32_t rung_number, const std::string& approved_by, Result<States> before);
  void climb(const v1::Rung& rung, States before);
  void climbed(const Status& status);

  void start_verification();
  void verify();
  void verified(Result<v1::Verdict> verdict);
  void repaired(const v1::Verdict& verdict);
  // false: it cannot be recorded.
  bool tell(const v1::Verdict& verdict);
  void not_repaired(const v1::Verdict& verdict);

  void undo(const std::string& reason, v1::IncidentState then);
  void undone(const std::vector<std::string>& blocked, const std::string& reason, v1::IncidentState then);

  // Records and goes on; if it cannot be recorded, the run ends and the next start recovers.
  bool record(std::vector<v1::JournalEntry> entries);
  v1::JournalEntry state_change(v1::IncidentState to, const std::string& reason) const;
  std::shared_ptr<const v1::Incident> incident() const { return tools_.ledger.incident(incident_id_); }
  void finish();

  const RepairTools& tools_;
  const std::uint64_t incident_id_;
  const std::function<void()> on_end_;
  Executor executor_;

  Duration verification_window_{};
  SteadyTime verify_until_{};
  bool rechecking_ = false;  // What waits for approval goes on waiting unless the verdict is repaired.
};

}  // namespace rdpmend
