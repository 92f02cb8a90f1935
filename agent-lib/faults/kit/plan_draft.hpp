// What a fault would write, rung by rung.
#pragma once

#include <string>
#include <string_view>

#include "rdpmend/v1/plan.pb.h"

namespace rdpmend::faults {

class PlanDraft {
 public:
  explicit PlanDraft(std::string_view summary);

  // Begins a rung. A verdict can ask for one that has an id; without, only the first is ever climbed.
  PlanDraft& rung(std::string_view reason, std::string_view id = {});
  // To the rung that was begun last.
  PlanDraft& step(v1::Step step, std::string_view reason);
  // What was looked at and found to need no change, for whoever reads the plan.
  PlanDraft& reads(std::string_view text);
  // Nothing is written, whatever else is said: only this advice is left.
  PlanDraft& refuse(std::string_view advice);
  bool refused() const { return refused_; }

  operator v1::Plan() &&;  // NOLINT(google-explicit-constructor): a draft that is done is a plan. Empty rungs are none.

 private:
  v1::Plan plan_;
  bool refused_ = false;
};

}  // namespace rdpmend::faults
