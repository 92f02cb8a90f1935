#include "agent-lib/steps/step_kind.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rdpmend {

Status StepKind::require_ours(const v1::Step& step, const v1::StepState& before, const v1::StepState& now) const {
  if (const auto other = difference(expected_after(step, before), now)) {
    return fail(ErrorCode::conflict, fmt::format("it was changed by somebody else since: {}", *other),
                "Compare it with the state before the repair and decide by hand.");
  }
  return {};
}

const StepKind* find_step_kind(const v1::Step& step) {
  switch (step.kind_case()) {
    case v1::Step::kGrantKeyFileAccess: return &grant_key_file_access_kind();
    case v1::Step::kKeepKeyFile: return &keep_key_file_kind();
    case v1::Step::kRemoveCertificate: return &remove_certificate_kind();
    case v1::Step::kSetServiceStartType: return &set_service_start_type_kind();
    case v1::Step::kRestartService: return &restart_service_kind();
    case v1::Step::kEnableFirewallRule: return &enable_firewall_rule_kind();
    case v1::Step::KIND_NOT_SET: break;
  }
  return nullptr;
}

Status finish_plan(v1::Plan& plan) {
  std::uint32_t number = 0;
  for (auto& rung : *plan.mutable_rungs()) {
    for (auto& step : *rung.mutable_steps()) {
      const auto* kind = find_step_kind(step);
      if (kind == nullptr)
        return fail(ErrorCode::internal, fmt::format("a step of the plan for {} has no kind", plan.fault_id()));
      step.set_number(++number);
      step.set_description(kind->describe(step));
      step.set_drops_sessions(kind->drops_sessions(step));
      if (!step.has_deadline()) *step.mutable_deadline() = to_proto_duration(kind->default_deadline());
    }
  }
  return {};
}

const v1::Step* find_step(const v1::Plan& plan, std::uint32_t number) {
  for (const auto& rung : plan.rungs()) {
    for (const auto& step : rung.steps()) {
      if (step.number() == number) return &step;
    }
  }
  return nullptr;
}

bool drops_sessions(const v1::Rung& rung) {
  return std::any_of(rung.steps().begin(), rung.steps().end(), [](const auto& step) { return step.drops_sessions(); });
}

bool has_irreversible_step(const v1::Rung& rung) {
  return std::any_of(rung.steps().begin(), rung.steps().end(), [](const auto& step) { return step.irreversible(); });
}

}  // namespace rdpmend
