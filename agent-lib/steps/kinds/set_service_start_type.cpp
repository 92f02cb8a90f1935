// Changes a service's start type, for services that Remote Desktop needs and that somebody disabled.
#include <fmt/format.h>

#include "agent-lib/steps/service_state.hpp"
#include "agent-lib/steps/step_kind.hpp"

namespace rdpmend {

namespace {

class SetServiceStartTypeKind final : public StepKind {
 public:
  std::string describe(const v1::Step& step, const v1::StepState&) const override {
    const auto& set = step.set_service_start_type();
    return fmt::format("set the start type of service {} to {}", set.service(), to_string(set.start_type()));
  }

  Duration default_deadline() const override { return std::chrono::seconds{10}; }

  Result<v1::StepState> capture(const HostView& host, const v1::Step& step) const override {
    return capture_service(host.services, step.set_service_start_type().service(), step.number());
  }

  v1::StepState expected_after(const v1::Step& step, const v1::StepState& before) const override {
    v1::StepState after = before;
    after.mutable_service()->set_start_type(step.set_service_start_type().start_type());
    return after;
  }

  // Whether it runs is not this step's business.
  std::optional<std::string> difference(const v1::StepState& expected, const v1::StepState& found) const override {
    const auto a = expected.service().start_type();
    const auto b = found.service().start_type();
    if (a == b) return std::nullopt;
    return fmt::format("its start type is {}, not {}", to_string(b), to_string(a));
  }

  Status apply(const HostControl& host, const v1::Step& step, const v1::StepState&) const override {
    const auto& set = step.set_service_start_type();
    return host.services.set_start_type(set.service(), set.start_type());
  }

  Status undo(const HostControl& host, const v1::Step& step, const v1::StepState& before,
              const v1::StepState& now) const override {
    if (auto ours = require_ours(step, before, now); !ours) return ours;
    return host.services.set_start_type(step.set_service_start_type().service(), before.service().start_type());
  }
};

}  // namespace

const StepKind& set_service_start_type_kind() {
  static const SetServiceStartTypeKind kind;
  return kind;
}

}  // namespace rdpmend
