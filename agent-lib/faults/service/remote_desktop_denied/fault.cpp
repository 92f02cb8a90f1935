// Remote Desktop is switched off by the local setting, and no Group Policy says so. Usually that is meant: switching it
// on is proposed, never done unasked.
#include "agent-lib/engine/fault.hpp"

#include "agent-lib/faults/kit/case.hpp"
#include "agent-lib/faults/kit/evidence.hpp"
#include "agent-lib/faults/kit/plan_draft.hpp"
#include "agent-lib/steps/make.hpp"

namespace rdpmend::faults::service {

namespace {

constexpr std::string_view k_value = R"(Terminal Server\fDenyTSConnections)";

std::optional<std::uint32_t> denied_by(const Look& look, std::string_view key) {
  return need(read_dword(look.host.registry, key, "fDenyTSConnections"));
}

class RemoteDesktopDenied final : public RepairableFault {
 public:
  std::string_view id() const override { return "remote_desktop_denied"; }

  std::vector<v1::Diagnosis> detect(const Look& look) const override {
    // By policy it is somebody's decision, whichever way; policy goes before the local value (TerminalServer.admx).
    if (denied_by(look, registry_key::k_policy)) return {};
    const auto denied = denied_by(look, registry_key::k_terminal_server);
    if (!denied || *denied == 0) return {};  // Absent only where Remote Desktop was never switched on.
    Case found("Remote Desktop", "Remote Desktop is switched off");
    found.saw(k_value, "1", "0, if clients are meant to connect", "registry").asks_first().can_be_repaired();
    // Whoever is asked decides by this: a host that served clients yesterday is another matter than one that never did.
    const auto& baseline = look.known.baseline;
    const auto last =
        baseline.has_seen() ? "on and healthy at " + to_iso8601(from_proto(baseline.seen())) : "never seen healthy";
    found.noted("this host before", last, "", "baseline");
    return {std::move(found)};
  }

  v1::Plan plan(const Look&, const v1::Diagnosis&) const override {
    PlanDraft plan("Switch Remote Desktop on");
    plan.rung("The one setting that Settings and sysdm.cpl write; no firewall rule and no security setting is changed.")
        .step(set_setting(v1::SETTING_DENY_CONNECTIONS, 0), "While it is 1 the listener takes no connection.");
    return plan;
  }

  v1::Verdict verify(const Look& look, const v1::Diagnosis&, WallTime since) const override {
    if (denied_by(look, registry_key::k_terminal_server).value_or(0) != 0)
      return verdict(v1::Verdict::RESULT_NOT_REPAIRED, "Remote Desktop is switched off again");
    const auto state = need(look.host.listener.state());
    if (state.listening) return verdict(v1::Verdict::RESULT_REPAIRED, "Remote Desktop is on and the listener listens");
    return ask_again("Remote Desktop is on; the listener does not listen yet",
                     backed_off(look.host.clock.now() - since));
  }
};

}  // namespace

std::unique_ptr<Fault> make_remote_desktop_denied() {
  return std::make_unique<RemoteDesktopDenied>();
}

}  // namespace rdpmend::faults::service
