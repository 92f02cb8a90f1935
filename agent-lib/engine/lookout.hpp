// When the host is looked at, and what follows for the incidents: one look at a time, for all that was signalled
// meanwhile. On the engine's executor.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent-lib/engine/agenda.hpp"
#include "agent-lib/engine/checkup.hpp"
#include "agent-lib/engine/detection.hpp"
#include "agent-lib/engine/jobs.hpp"
#include "agent-lib/engine/policy.hpp"
#include "agent-lib/engine/repairs.hpp"
#include "agent-lib/engine/snapshot.hpp"
#include "agent-lib/record/ledger.hpp"

namespace rdpmend {

class Lookout {
 public:
  // What it looks with, and what it tells. All of them outlive it.
  struct Parts {
    HostView host;
    const Catalogue& catalogue;
    const Detection& detection;
    const Checkup& checkup;
    const Policy& policy;
    Jobs& jobs;
    Agenda& agenda;
    Ledger& ledger;
    Repairs& repairs;
    Snapshots& snapshots;
    Duration probe_deadline;
  };
  // `looked`: after each look, when the incidents say what it found.
  Lookout(const Parts& parts, std::function<void()> looked) : parts_(parts), looked_(std::move(looked)) {}

  // At the faults that the signal points to; a look that goes on is followed by another one.
  void look(const v1::Signal& signal);
  // At all of them, now and from then on whenever the sweep interval is over.
  void sweep(v1::Signal::Kind why);
  // Settings of the host were changed: a sweep, once whoever changes them may be done.
  void host_changed();
  // At what this incident's fault has hidden, and at the fault itself at the end of its probation.
  void incident_closed(const v1::Incident& incident);
  // No look begins any more.
  void stop() { stopping_ = true; }

  // Which other fault is the real incident instead of this one, in words; nullptr: none.
  const std::string* mask_of(const std::string& fault_id) const;

 private:
  struct Seen {
    std::vector<Finding> findings;
    std::optional<v1::ProbeReport> probe;         // Of a sweep.
    std::optional<v1::GetHealthResponse> health;  // The same.
    std::optional<v1::Baseline> baseline;         // The same: how the host is, if clients are meant to get in.
  };

  void begin();
  Seen look_at_host(const Reasons& reasons, bool sweeping) const;
  void seen(const Seen& seen, const Reasons& reasons, bool sweeping);
  void present(v1::Diagnosis diagnosis, const v1::Signal& signal);
  void gone_elsewhere(const std::string& fault_id, const std::set<std::string>& present_on);
  void unknown(const Finding& finding);
  bool healthy(const std::vector<Finding>& findings) const;
  void look_behind(const std::string& fault_id);
  void note_error(const std::string& where, const std::string& what);
  SteadyTime now() const { return parts_.host.clock.steady(); }

  const Parts parts_;
  const std::function<void()> looked_;

  Reasons wanted_;  // To look, once the look that goes on is over.
  bool looking_ = false;
  bool sweeping_ = false;
  bool stopping_ = false;
  SteadyTime last_sweep_began_{};
  std::map<std::string, std::string> unknown_;  // Why a fault could not be looked at, when last told.
  std::map<std::string, std::string> masked_;   // By fault: which other one is the real incident, in words.
};

}  // namespace rdpmend
