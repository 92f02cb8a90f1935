#include "agent-lib/engine/repairs.hpp"

namespace rdpmend {

Repairs::Repairs(const HostControl& host, Ledger& ledger, const Detection& detection, const Policy& policy, Jobs& jobs,
                 Agenda& agenda, Pen& pen)
    : pen_(pen), tools_{host, ledger, detection, policy, jobs, agenda, pen_, stop_.get_token(), {}} {}

std::shared_ptr<RepairRun> Repairs::start(std::uint64_t incident_id) {
  auto run = std::make_shared<RepairRun>(tools_, incident_id, [this, incident_id] {
    runs_.erase(incident_id);  // What still runs of it keeps itself alive.
    if (on_end_) on_end_(incident_id);
  });
  runs_.insert_or_assign(incident_id, run);
  return run;
}

void Repairs::request_stop() {
  stop_.request_stop();
  pen_.close();
}

}  // namespace rdpmend
