// The repairs that are under way: a run for each incident. Only one of them writes at a time; that one waits for its
// verification keeps none of the others waiting.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent-lib/engine/repair_run.hpp"

namespace rdpmend {

class Repairs {
 public:
  Repairs(const HostControl& host, Ledger& ledger, const Detection& detection, const Policy& policy, Jobs& jobs,
          Agenda& agenda, Pen& pen);

  bool under_way(std::uint64_t incident_id) const { return runs_.contains(incident_id); }

  // As RepairRun's, for an incident whose repair is not under way.
  void begin(std::uint64_t incident_id, bool propose) { start(incident_id)->begin(propose); }
  void approve(std::uint64_t incident_id, const std::string& client) { start(incident_id)->approve(client); }
  void roll_back(std::uint64_t incident_id, const std::string& reason) { start(incident_id)->roll_back(reason); }
  void recheck(std::uint64_t incident_id) { start(incident_id)->recheck(); }
  void resume(std::uint64_t incident_id) { start(incident_id)->resume(); }

  // The one that writes stops between two steps and is undone, none begins to write, and none is verified again.
  void request_stop();

  // With each repair that is over, and each probe that a verification made.
  void set_on_end(std::function<void(std::uint64_t incident_id)> on_end) { on_end_ = std::move(on_end); }
  void set_on_probe(std::function<void(const v1::ProbeReport&)> on_probe) { tools_.on_probe = std::move(on_probe); }

 private:
  std::shared_ptr<RepairRun> start(std::uint64_t incident_id);

  Pen& pen_;
  std::stop_source stop_;
  RepairTools tools_;
  std::map<std::uint64_t, std::shared_ptr<RepairRun>> runs_;
  std::function<void(std::uint64_t)> on_end_;
};

}  // namespace rdpmend
