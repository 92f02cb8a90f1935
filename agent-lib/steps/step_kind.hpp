// A kind of step: one change of the host that knows how to describe, capture, apply and undo itself.
// A file in steps/kinds/ is a kind, of the step in plan.proto that has its name; only the executor applies and undoes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent-lib/host/host.hpp"
#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/plan.pb.h"

namespace rdpmend {

class StepKind {
 public:
  virtual ~StepKind() = default;

  // Of these three, `before` is what was captured. Without a state in it nothing is known of the host, and the worst
  // that the step can do is answered. Exactly what is written, in one line.
  virtual std::string describe(const v1::Step& step, const v1::StepState& before) const = 0;
  // Whether people may lose their connections by it.
  virtual bool drops_sessions(const v1::Step&, const v1::StepState& /*before*/) const { return false; }
  // Whether something is lost by it, or by what it is done for, that undoing cannot bring back.
  virtual bool irreversible(const v1::Step&, const v1::StepState& /*before*/) const { return false; }
  virtual Duration default_deadline() const = 0;

  // What the host shows of the thing that the step changes.
  virtual Result<v1::StepState> capture(const HostView& host, const v1::Step& step) const = 0;
  // What the host must show once the step is done.
  virtual v1::StepState expected_after(const v1::Step& step, const v1::StepState& before) const = 0;
  // In words, what differs between two captures as far as this step is concerned; nullopt: nothing.
  virtual std::optional<std::string> difference(const v1::StepState& expected, const v1::StepState& found) const = 0;

  virtual Status apply(const HostControl& host, const v1::Step& step, const v1::StepState& before) const = 0;
  // Whether only a loan may write what the step asks for, because the host is protected less meanwhile: no plan holds
  // such a step (finish_plan), and apply() refuses it.
  virtual bool is_only_lent(const v1::Step&) const { return false; }
  // Whether a loan may write that now. unsupported: the step is no such step.
  virtual Status may_lend(const HostView&, const v1::Step&, const v1::StepState& /*before*/) const {
    return fail(ErrorCode::unsupported, "that is never lent");
  }
  // As apply(), for a loan.
  virtual Status lend(const HostControl& host, const v1::Step& step, const v1::StepState& before) const {
    return may_lend(host.view(), step, before);
  }
  // Puts `now` back to `before`. conflict: it cannot be, because somebody else changed it since; the text says what.
  virtual Status undo(const HostControl& host, const v1::Step& step, const v1::StepState& before,
                      const v1::StepState& now) const = 0;

 protected:
  // The usual guard of undo: only what still equals what we wrote is put back.
  Status require_ours(const v1::Step& step, const v1::StepState& before, const v1::StepState& now) const;
};

// The kind of a step; nullptr: the step has none (a newer or damaged record).
const StepKind* find_step_kind(const v1::Step& step);

// Fills in what a plan's author need not care about: numbers and deadlines, and, as far as it can be said without a
// look at the host, descriptions and what the steps may cost.
Status finish_plan(v1::Plan& plan);

// The pre-state of every step of a rung. Reads only.
Result<std::vector<v1::StepState>> capture(const HostView& host, const v1::Rung& rung);
// Descriptions and costs of a rung's steps, now that it is known what they would change.
void weigh(v1::Rung& rung, const std::vector<v1::StepState>& before);

// A plan as it is shown or begun.
struct MadePlan {
  v1::Plan plan;
  std::vector<v1::StepState> before;  // Of the first rung.
};
// Finishes a fault's plan and weighs it on the host as it is now. The first rung must be readable; of a later one the
// worst is said where it is not, and it is weighed again when its turn comes.
Result<MadePlan> make_plan(const HostView& host, v1::Plan draft, const v1::Diagnosis& diagnosis, std::string id);

const v1::Step* find_step(const v1::Plan& plan, std::uint32_t number);
// Whether a rung has a step that drops sessions or cannot be undone.
bool drops_sessions(const v1::Rung& rung);
bool has_irreversible_step(const v1::Rung& rung);

}  // namespace rdpmend
