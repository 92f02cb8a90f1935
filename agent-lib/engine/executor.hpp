// The only writer to the host. Climbs one rung of a plan, or undoes what a repair has written; every write is
// journalled before and after. Runs on the worker; what it needs to know of the past is in the incident, so a crash
// loses nothing. What is lent is written and given back in the same way, and journalled by whoever lends.
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

  // Compare, write, read back, of a step that is only lent. After an error some of it may be there.
  Status lend(const v1::Step& step, const v1::StepState& before) const;
  // Puts back one step that may have been written, if the host still shows what it wrote; `detail` says whether that
  // was needed. conflict: somebody else has changed it since.
  Status put_back(const v1::Step& step, const v1::StepState& before, std::string& detail) const;

 private:
  // apply() or lend() of a kind.
  using Write = Status (StepKind::*)(const HostControl&, const v1::Step&, const v1::StepState&) const;
  struct Failure {
    v1::StepFailed::Cause cause;
    Error error;
  };

  Status apply(std::uint64_t incident_id, const v1::Step& step, const v1::StepState& before) const;
  // What the host shows afterwards.
  tl::expected<v1::StepState, Failure> change(const StepKind& kind, const v1::Step& step, const v1::StepState& before,
                                              Write write) const;
  Status failed(std::uint64_t incident_id, const v1::Step& step, v1::StepFailed::Cause cause, Error error) const;

  const HostControl& host_;
  Ledger& ledger_;
};

}  // namespace rdpmend
