// Writes one registry value of the closed table in steps/settings.hpp, or deletes it. What Group Policy decides is not
// written, and what protects a connection is never lowered but by a loan; putting back what stood there is always
// allowed.
#include <fmt/format.h>

#include "agent-lib/steps/settings.hpp"
#include "agent-lib/steps/step_kind.hpp"

namespace rdpmend {

namespace {

class SetSettingKind final : public StepKind {
 public:
  std::string describe(const v1::Step& step, const v1::StepState& before) const override {
    const auto request = request_of(step);
    if (!request) return "write a setting that this version does not know, or a value that it may not have";
    const auto name = name_of(request->row);
    auto text =
        request->wanted ? fmt::format("set {} to {}", name, to_text(request->wanted)) : fmt::format("delete {}", name);
    if (before.has_setting()) text += fmt::format(" (was {})", to_text(from_state(before.setting())));
    return fmt::format("{}: {}", text, request->row.meaning);
  }

  Duration default_deadline() const override { return std::chrono::seconds{10}; }

  // Nobody is disconnected by a value that is as it is wanted.
  bool drops_sessions(const v1::Step& step, const v1::StepState& before) const override {
    const auto request = request_of(step);
    if (!request) return true;
    return request->row.drops_sessions && !(before.has_setting() && from_state(before.setting()) == request->wanted);
  }

  Result<v1::StepState> capture(const HostView& host, const v1::Step& step) const override {
    const auto request = request_of(step);
    if (!request) return fail(request.error());
    const auto value = host.registry.value(request->row.key, request->row.name);
    if (!value) return fail(value.error());
    v1::StepState state;
    state.set_step_number(step.number());
    *state.mutable_setting() = to_state(*value);
    return state;
  }

  // A step that this version does not know changes nothing, because it is not even captured.
  v1::StepState expected_after(const v1::Step& step, const v1::StepState& before) const override {
    v1::StepState after = before;
    if (const auto request = request_of(step)) *after.mutable_setting() = to_state(request->wanted);
    return after;
  }

  std::optional<std::string> difference(const v1::StepState& expected, const v1::StepState& found) const override {
    const auto a = from_state(expected.setting());
    const auto b = from_state(found.setting());
    if (a == b) return std::nullopt;
    return fmt::format("it is {}, not {}", to_text(b), to_text(a));
  }

  Status apply(const HostControl& host, const v1::Step& step, const v1::StepState& before) const override {
    const auto request = request_of(step);
    if (!request) return fail(request.error());
    if (is_only_lent(step))
      return fail(ErrorCode::denied, fmt::format("{} is lowered by a loan only", name_of(request->row)));
    if (auto free = require_no_policy(host.registry, request->row); !free) return free;
    const auto now = from_state(before.setting());
    if (now == request->wanted) return {};
    if (auto may = may_replace(request->row, now, request->wanted); !may) return may;
    return write(host.registry, request->row, request->wanted);
  }

  bool is_only_lent(const v1::Step& step) const override {
    const auto request = request_of(step);
    return request && rdpmend::is_only_lent(request->row, step.set_setting());
  }

  Status may_lend(const HostView& host, const v1::Step& step, const v1::StepState& before) const override {
    if (!is_only_lent(step)) return StepKind::may_lend(host, step, before);
    const auto request = request_of(step);
    if (auto free = require_no_policy(host.registry, request->row); !free) return free;
    return rdpmend::may_lend(request->row, from_state(before.setting()));
  }

  Status lend(const HostControl& host, const v1::Step& step, const v1::StepState& before) const override {
    if (auto may = may_lend(host.view(), step, before); !may) return may;
    const auto request = request_of(step);
    return write(host.registry, request->row, request->wanted);
  }

  Status undo(const HostControl& host, const v1::Step& step, const v1::StepState& before,
              const v1::StepState& now) const override {
    const auto request = request_of(step);
    if (!request) return fail(request.error());
    if (auto ours = require_ours(step, before, now); !ours) return ours;
    return write(host.registry, request->row, from_state(before.setting()));
  }

 private:
  struct Request {
    const SettingRow& row;
    std::optional<RegistryValue> wanted;  // nullopt: deleted.
  };

  static Result<Request> request_of(const v1::Step& step) {
    const auto& set = step.set_setting();
    const auto* row = find_setting(set.setting());
    if (row == nullptr) {
      return fail(ErrorCode::unsupported,
                  fmt::format("setting {} is not known to this version", static_cast<int>(set.setting())));
    }
    auto wanted = wanted_value(*row, set);
    if (!wanted) return fail(std::move(wanted).error());
    return Request{*row, std::move(*wanted)};
  }

  // A policy that cannot be read may be there.
  static Status require_no_policy(const Registry& registry, const SettingRow& row) {
    if (row.policy_twin.empty()) return {};
    const auto policy = registry.value(registry_key::k_policy, row.policy_twin);
    const bool unreadable_value = !policy && policy.error().code == ErrorCode::unsupported;
    if (!policy && !unreadable_value) {
      return fail(Error(policy.error()).context(fmt::format("cannot tell whether Group Policy sets {}", name_of(row))));
    }
    if (!unreadable_value && !*policy) return {};
    return fail(ErrorCode::denied,
                fmt::format("Group Policy decides on {}: HKLM\\{}\\{} is there, and is not fought", name_of(row),
                            registry_key::k_policy, row.policy_twin),
                "Change the policy, or find out who wrote the value, and diagnose again.");
  }

  static Status write(Registry& registry, const SettingRow& row, const std::optional<RegistryValue>& value) {
    return value ? registry.set(row.key, row.name, *value) : registry.erase(row.key, row.name);
  }
};

}  // namespace

const StepKind& set_setting_kind() {
  static const SetSettingKind kind;
  return kind;
}

}  // namespace rdpmend
