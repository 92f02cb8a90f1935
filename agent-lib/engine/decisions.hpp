// What is done about each open incident, and when: the policy's answer carried out. On the engine's executor.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "agent-lib/engine/agenda.hpp"
#include "agent-lib/engine/lookout.hpp"
#include "agent-lib/engine/policy.hpp"
#include "agent-lib/engine/repairs.hpp"
#include "agent-lib/record/ledger.hpp"

namespace rdpmend {

class Decisions {
 public:
  // All of them outlive it.
  struct Parts {
    const Clock& clock;
    const Catalogue& catalogue;
    const Policy& policy;
    const Lookout& lookout;
    Agenda& agenda;
    Ledger& ledger;
    Repairs& repairs;
  };
  explicit Decisions(const Parts& parts) : parts_(parts) {}

  // About every open incident; what cannot begin now is considered again later.
  void consider_all();
  // Nothing begins any more.
  void stop() { stopping_ = true; }

 private:
  void consider(const v1::Incident& incident);
  void consider_waiting(const v1::Incident& incident);
  bool may_try(std::uint64_t incident_id);
  void consider_at(SteadyTime time);
  void set_state(const v1::Incident& incident, v1::IncidentState to, const std::string& reason);
  SteadyTime now() const { return parts_.clock.steady(); }

  const Parts parts_;
  bool stopping_ = false;
  std::map<std::uint64_t, SteadyTime> last_try_;
};

}  // namespace rdpmend
