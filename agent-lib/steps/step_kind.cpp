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

namespace {

void weigh(const StepKind& kind, v1::Step& step, const v1::StepState& before) {
  step.set_description(kind.describe(step, before));
  step.set_drops_sessions(kind.drops_sessions(step, before));
  step.set_irreversible(kind.irreversible(step, before));
}

}  // namespace

Status finish_plan(v1::Plan& plan) {
  std::uint32_t number = 0;
  for (auto& rung : *plan.mutable_rungs()) {
    for (auto& step : *rung.mutable_steps()) {
      const auto* kind = find_step_kind(step);
      if (kind == nullptr)
        return fail(ErrorCode::internal, fmt::format("a step of the plan for {} has no kind", plan.fault_id()));
      if (kind->is_only_lent(step))
        return fail(ErrorCode::internal, fmt::format("the plan for {} has a step that is only lent: {}",
                                                     plan.fault_id(), kind->describe(step, {})));
      step.set_number(++number);
      if (!step.has_deadline()) *step.mutable_deadline() = to_proto_duration(kind->default_deadline());
      weigh(*kind, step, {});
    }
  }
  return {};
}

Result<std::vector<v1::StepState>> capture(const HostView& host, const v1::Rung& rung) {
  std::vector<v1::StepState> states;
  for (const auto& step : rung.steps()) {
    const auto* kind = find_step_kind(step);
    if (kind == nullptr) {
      return fail(ErrorCode::unsupported,
                  fmt::format("step {} is of a kind that this version does not know", step.number()));
    }
    auto state = kind->capture(host, step);
    if (!state)
      return fail(
          std::move(state).error().context(fmt::format("cannot read what step {} would change", step.number())));
    states.push_back(std::move(*state));
  }
  return states;
}

void weigh(v1::Rung& rung, const std::vector<v1::StepState>& before) {
  for (int i = 0; i < rung.steps_size(); ++i) {
    auto& step = *rung.mutable_steps(i);
    if (const auto* kind = find_step_kind(step)) weigh(*kind, step, before.at(static_cast<std::size_t>(i)));
  }
}

Result<MadePlan> make_plan(const HostView& host, v1::Plan draft, const v1::Diagnosis& diagnosis, std::string id) {
  MadePlan made{std::move(draft), {}};
  auto& plan = made.plan;
  plan.set_id(std::move(id));
  plan.set_fault_id(diagnosis.fault_id());
  plan.set_subject(diagnosis.subject());
  if (auto finished = finish_plan(plan); !finished) return fail(std::move(finished).error());
  for (int i = 0; i < plan.rungs_size(); ++i) {
    auto& rung = *plan.mutable_rungs(i);
    auto before = capture(host, rung);
    if (!before && i == 0) return fail(std::move(before).error());
    if (!before) continue;
    weigh(rung, *before);
    if (i == 0) made.before = std::move(*before);
  }
  return made;
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
