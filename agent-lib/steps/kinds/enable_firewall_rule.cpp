// Enables one rule of the local firewall store. Nothing else of the rule is written, so it can never get wider.
#include <fmt/format.h>

#include "agent-lib/steps/step_kind.hpp"

namespace rdpmend {

namespace {

class EnableFirewallRuleKind final : public StepKind {
 public:
  std::string describe(const v1::Step& step, const v1::StepState&) const override {
    return fmt::format("enable firewall rule {}", step.enable_firewall_rule().rule_id());
  }

  Duration default_deadline() const override { return std::chrono::seconds{10}; }

  Result<v1::StepState> capture(const HostView& host, const v1::Step& step) const override {
    auto rule = find_local_rule(host.firewall, step.enable_firewall_rule().rule_id());
    if (!rule) return fail(std::move(rule).error());
    v1::StepState state;
    state.set_step_number(step.number());
    auto& captured = *state.mutable_firewall_rule();
    captured.set_present(rule->has_value());
    if (*rule) {
      captured.set_enabled((*rule)->enabled);
      captured.set_definition(definition_of(**rule));
    }
    return state;
  }

  v1::StepState expected_after(const v1::Step&, const v1::StepState& before) const override {
    v1::StepState after = before;
    after.mutable_firewall_rule()->set_enabled(true);
    return after;
  }

  std::optional<std::string> difference(const v1::StepState& expected, const v1::StepState& found) const override {
    const auto& a = expected.firewall_rule();
    const auto& b = found.firewall_rule();
    if (a.present() != b.present()) return b.present() ? "the rule appeared" : "the rule is gone";
    if (a.definition() != b.definition()) return fmt::format("the rule is now {}", b.definition());
    if (a.enabled() != b.enabled()) return b.enabled() ? "the rule is enabled" : "the rule is disabled";
    return std::nullopt;
  }

  Status apply(const HostControl& host, const v1::Step& step, const v1::StepState&) const override {
    return host.firewall.set_enabled(step.enable_firewall_rule().rule_id(), true);
  }

  Status undo(const HostControl& host, const v1::Step& step, const v1::StepState& before,
              const v1::StepState& now) const override {
    if (auto ours = require_ours(step, before, now); !ours) return ours;
    return host.firewall.set_enabled(step.enable_firewall_rule().rule_id(), before.firewall_rule().enabled());
  }
};

}  // namespace

const StepKind& enable_firewall_rule_kind() {
  static const EnableFirewallRuleKind kind;
  return kind;
}

}  // namespace rdpmend
