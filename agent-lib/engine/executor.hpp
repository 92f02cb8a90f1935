// The only writer to the host. Climbs one rung of a plan, or undoes what a repair has written; every write is
// journalled before and after. Runs on the worker; what it needs to know of the past is in the incident, so a crash
// loses nothing.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "agent-lib/host/host.hpp"
#include "agent-lib/record/ledger.hpp"
#include "agent-lib/steps/step_kind.hpp"

namespace rdpmend {

class Executor {
 public:
  Executor(const HostControl& host, Ledger& ledger) : host_(host), ledger_(ledger) {}

  // Intent, compare, apply, read back, done: for each step in order. Ends at the first that fails, or between two steps
  // when stop is requested (code cancelled).
  Status climb(std::uint64_t incident_id, const v1::Rung& rung, const std::vector<v1::StepState>& before,
               const std::stop_token& stop) const;

  // Undoes in reverse order what may have been written and still equals what we wrote. Returns why steps could not be
  // undone; empty: the host is as it was.
  std::vector<std::string> undo(const v1::Incident& incident) const;

 private:
  Status apply(std::uint64_t incident_id, const v1::Step& step, const v1::StepState& before) const;
  Status undo_step(const v1::Step& step, const v1::StepState& before, std::string& detail) const;
  Status failed(std::uint64_t incident_id, const v1::Step& step, v1::StepFailed::Cause cause, Error error) const;

  const HostControl& host_;
  Ledger& ledger_;
};

}  // namespace rdpmend
