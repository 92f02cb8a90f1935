// A kind of step: one change of the host that knows how to describe, capture, apply and undo itself.
// One file per kind; only the executor applies and undoes.
#pragma once

#include <optional>
#include <string>

#include "agent-lib/host/host.hpp"
#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/plan.pb.h"

namespace rdpmend {

class StepKind {
 public:
  virtual ~StepKind() = default;

  // Exactly what is written, in one line.
  virtual std::string describe(const v1::Step& step) const = 0;
  virtual Duration default_deadline() const = 0;
  virtual bool drops_sessions(const v1::Step&) const { return false; }

  // What the host shows of the thing that the step changes.
  virtual Result<v1::StepState> capture(const HostView& host, const v1::Step& step) const = 0;
  // What the host must show once the step is done.
  virtual v1::StepState expected_after(const v1::Step& step, const v1::StepState& before) const = 0;
  // In words, what differs between two captures as far as this step is concerned; nullopt: nothing.
  virtual std::optional<std::string> difference(const v1::StepState& expected, const v1::StepState& found) const = 0;

  virtual Status apply(const HostControl& host, const v1::Step& step, const v1::StepState& before) const = 0;
  // Puts `now` back to `before`. conflict: it cannot be, because somebody else changed it since; the text says what.
  virtual Status undo(const HostControl& host, const v1::Step& step, const v1::StepState& before,
                      const v1::StepState& now) const = 0;

 protected:
  // The usual guard of undo: only what still equals what we wrote is put back.
  Status require_ours(const v1::Step& step, const v1::StepState& before, const v1::StepState& now) const;
};

// The kind of a step; nullptr: the step has none (a newer or damaged record).
const StepKind* find_step_kind(const v1::Step& step);

// Fills in what a plan's author need not care about: numbers, descriptions, deadlines and whether sessions are dropped.
Status finish_plan(v1::Plan& plan);
const v1::Step* find_step(const v1::Plan& plan, std::uint32_t number);
// Whether a rung has a step that drops sessions or cannot be undone.
bool drops_sessions(const v1::Rung& rung);
bool has_irreversible_step(const v1::Rung& rung);

// One per file.
const StepKind& grant_key_file_access_kind();
const StepKind& keep_key_file_kind();
const StepKind& remove_certificate_kind();
const StepKind& set_service_start_type_kind();
const StepKind& restart_service_kind();
const StepKind& enable_firewall_rule_kind();

}  // namespace rdpmend
