// 'change logon /disable' was run and never taken back: nobody can sign in from outside any more. Usually it is meant,
// for a maintenance: enabling sign-ins is proposed, never done unasked.
#include "agent-lib/engine/fault.hpp"

#include "agent-lib/faults/kit/case.hpp"
#include "agent-lib/faults/kit/evidence.hpp"
#include "agent-lib/faults/kit/plan_draft.hpp"
#include "agent-lib/steps/make.hpp"

namespace rdpmend::faults::sign_in {

namespace {

std::string sign_ins_disabled(const Look& look) {
  return need(read_text(look.host.registry, registry_key::k_winlogon, "WinStationsDisabled")).value_or("0");
}

class SignInsDisabled final : public RepairableFault {
 public:
  std::string_view id() const override { return "sign_ins_disabled"; }

  std::vector<v1::Diagnosis> detect(const Look& look) const override {
    const auto value = sign_ins_disabled(look);
    if (value != "1") return {};
    Case found("sign-ins", "Remote sign-ins are switched off ('change logon')");
    found.saw(R"(Winlogon\WinStationsDisabled)", value, "0", "registry").asks_first().can_be_repaired();
    return {std::move(found)};
  }

  v1::Plan plan(const Look&, const v1::Diagnosis&) const override {
    PlanDraft plan("Let people sign in again");
    plan.rung("One registry value; nobody is disconnected.")
        .step(set_setting(v1::SETTING_LOGONS_DISABLED, "0"), "While it is 1 every remote sign-in is refused.");
    return plan;
  }

  v1::Verdict verify(const Look& look, const v1::Diagnosis&, WallTime) const override {
    return sign_ins_disabled(look) == "1" ? verdict(v1::Verdict::RESULT_NOT_REPAIRED, "sign-ins are switched off again")
                                          : verdict(v1::Verdict::RESULT_REPAIRED, "people may sign in again");
  }
};

}  // namespace

std::unique_ptr<Fault> make_sign_ins_disabled() {
  return std::make_unique<SignInsDisabled>();
}

}  // namespace rdpmend::faults::sign_in
