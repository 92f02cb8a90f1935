#include "agent-lib/faults/kit/plan_draft.hpp"

#include <algorithm>
#include <utility>

namespace rdpmend::faults {

PlanDraft::PlanDraft(std::string_view summary) {
  plan_.set_summary(std::string(summary));
}

PlanDraft& PlanDraft::rung(std::string_view reason, std::string_view id) {
  auto& rung = *plan_.add_rungs();
  rung.set_reason(std::string(reason));
  rung.set_id(std::string(id));
  return *this;
}

PlanDraft& PlanDraft::step(v1::Step step, std::string_view reason) {
  step.set_reason(std::string(reason));
  *plan_.mutable_rungs()->rbegin()->add_steps() = std::move(step);
  return *this;
}

PlanDraft& PlanDraft::reads(std::string_view text) {
  plan_.add_reads(std::string(text));
  return *this;
}

PlanDraft& PlanDraft::refuse(std::string_view advice) {
  refused_ = true;
  plan_.set_advice(std::string(advice));
  return *this;
}

PlanDraft::operator v1::Plan() && {
  auto& rungs = *plan_.mutable_rungs();
  const auto is_void = [this](const v1::Rung& rung) { return refused_ || rung.steps().empty(); };
  rungs.erase(std::remove_if(rungs.begin(), rungs.end(), is_void), rungs.end());
  return std::move(plan_);
}

}  // namespace rdpmend::faults
