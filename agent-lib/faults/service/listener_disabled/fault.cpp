// The listener RDP-Tcp is switched off or refuses sign-ins by a setting of its own, although Remote Desktop is allowed.
// Restoring what Windows ships is proposed: tools of deployments and of other vendors write these values as well.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "agent-lib/faults/kit/case.hpp"
#include "agent-lib/faults/kit/evidence.hpp"
#include "agent-lib/faults/kit/plan_draft.hpp"
#include "agent-lib/steps/make.hpp"

namespace rdpmend::faults::service {

namespace {

// A value that is absent is another matter: what Windows does then nobody has measured.
struct Switch {
  v1::Setting setting;
  std::string_view name;
  std::uint32_t stock;
  std::string_view means;  // What the other value does.
};
constexpr Switch k_switches[] = {
    {v1::SETTING_LISTENER_ENABLED, "fEnableWinStation", 1, "the listener takes no connections"},
    {v1::SETTING_LISTENER_LOGON_DISABLED, "fLogonDisabled", 0, "the listener refuses sign-ins"},
};

// The value that is not what Windows ships; nullopt: it is, or is absent.
std::optional<std::uint32_t> wrong_value(const Look& look, const Switch& one) {
  const auto value = need(read_dword(look.host.registry, registry_key::k_rdp_tcp, one.name));
  return value == one.stock ? std::nullopt : value;
}

const Switch* named(std::string_view name) {
  for (const auto& one : k_switches) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

// Citrix's ICA listener takes the place of RDP-Tcp, which its installer may switch off on purpose. The service's name
// is Citrix' and not verified on a host.
bool another_stack_is_installed(const Look& look) {
  return need(look.host.services.find("BrokerAgent")).has_value();
}

class ListenerDisabled final : public RepairableFault {
 public:
  std::string_view id() const override { return "listener_disabled"; }

  std::vector<v1::Diagnosis> detect(const Look& look) const override {
    std::vector<v1::Diagnosis> all;
    for (const auto& one : k_switches) {
      const auto value = wrong_value(look, one);
      if (!value) continue;
      Case found(one.name, fmt::format("RDP-Tcp\\{} is {}: {}", one.name, *value, one.means));
      found.saw(fmt::format("RDP-Tcp\\{}", one.name), std::to_string(*value), std::to_string(one.stock), "registry")
          .asks_first();
      if (another_stack_is_installed(look)) {
        found.advises(
            "Citrix is installed here, whose own listener may be meant to take the place of RDP-Tcp. Switch RDP-Tcp on "
            "by hand if it is wanted besides.");
      }
      found.can_be_repaired(found.diagnosis().advice().empty());
      all.push_back(std::move(found));
    }
    return all;
  }

  v1::Plan plan(const Look&, const v1::Diagnosis& diagnosis) const override {
    PlanDraft plan(fmt::format("Set RDP-Tcp\\{} back to what Windows ships", diagnosis.subject()));
    const auto* one = named(diagnosis.subject());
    if (one == nullptr) {
      plan.refuse("this version knows no such setting");
      return plan;
    }
    plan.rung("One registry value; nobody is disconnected.")
        .step(set_setting(one->setting, one->stock), fmt::format("With the other value {}.", one->means));
    return plan;
  }

  v1::Verdict verify(const Look& look, const v1::Diagnosis& diagnosis, WallTime since) const override {
    const auto* one = named(diagnosis.subject());
    if (one == nullptr || wrong_value(look, *one))
      return verdict(v1::Verdict::RESULT_NOT_REPAIRED, fmt::format("RDP-Tcp\\{} is off again", diagnosis.subject()));
    const auto state = need(look.host.listener.state());
    if (state.listening)
      return verdict(v1::Verdict::RESULT_REPAIRED,
                     fmt::format("RDP-Tcp\\{} is {}, and the listener listens", diagnosis.subject(), one->stock));
    return ask_again("the listener does not listen yet", backed_off(look.host.clock.now() - since));
  }
};

}  // namespace

std::unique_ptr<Fault> make_listener_disabled() {
  return std::make_unique<ListenerDisabled>();
}

}  // namespace rdpmend::faults::service
