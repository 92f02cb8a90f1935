// set_setting and move_key_file_aside on the rehearsed host, what plans say of what they found, and every way in which
// the one call that changes the host can go wrong.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>

#include "agent-lib/engine/executor.hpp"
#include "agent-lib/sim/memory_journal.hpp"
#include "agent-lib/sim/scenarios.hpp"
#include "agent-lib/sim/sim_host.hpp"
#include "agent-lib/steps/make.hpp"
#include "agent-lib/support/hex.hpp"

namespace rdpmend {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class OnAHost : public testing::Test {
 protected:
  explicit OnAHost(const std::string& scenario = "healthy") : host_(sim::find_scenario(scenario).value(), {}) {}

  // The plan of one rung with these steps, as the host is now.
  Result<MadePlan> plan(const std::vector<v1::Step>& steps) {
    v1::Plan draft;
    auto& rung = *draft.add_rungs();
    for (const auto& step : steps) *rung.add_steps() = step;
    return make_plan(control_.view(), draft, v1::Diagnosis(), "1/1");
  }
  v1::Step planned(const v1::Step& step) { return plan({step}).value().plan.rungs(0).steps(0); }
  v1::StepState capture(const v1::Step& step) { return find_step_kind(step)->capture(control_.view(), step).value(); }
  Status apply(const v1::Step& step, const v1::StepState& before) {
    return find_step_kind(step)->apply(control_, step, before);
  }
  Status undo(const v1::Step& step, const v1::StepState& before) {
    return find_step_kind(step)->undo(control_, step, before, capture(step));
  }
  void put(std::string_view key, std::string_view name, const RegistryValue& value) {
    ASSERT_TRUE(control_.registry.set(key, name, value));
  }
  void set_policy(std::string_view name, std::uint32_t number) {
    v1::SimChange change;
    auto& value = *change.add_registry();
    value.set_key(std::string(registry_key::k_policy));
    value.set_name(std::string(name));
    value.set_dword(number);
    host_.change(change);
  }
  // Applied, read back as promised, undone, and the host is as it was.
  void expect_round_trip(const v1::Step& draft) {
    const auto step = planned(draft);
    const auto& kind = *find_step_kind(step);
    const auto all = host_.fingerprint();
    const auto before = capture(step);
    const auto applied = apply(step, before);
    ASSERT_TRUE(applied) << to_string(applied.error());
    EXPECT_EQ(kind.difference(kind.expected_after(step, before), capture(step)), std::nullopt);
    EXPECT_NE(kind.difference(before, capture(step)), std::nullopt) << "the step changed nothing";
    EXPECT_NE(host_.fingerprint(), all);
    const auto undone = undo(step, before);
    ASSERT_TRUE(undone) << to_string(undone.error());
    EXPECT_EQ(host_.fingerprint(), all);
  }
  std::string key_file() {
    const auto guid = read_text(control_.registry, registry_key::k_cryptography, "MachineGuid").value().value();
    return machine_key_file_name("TSSecKeySet1", guid);
  }
  v1::Step move_key() { return move_key_file_aside(k_machine_keys_folder, key_file()); }

  sim::SimHost host_;
  HostControl control_ = host_.control();
};

class SetSettingStep : public OnAHost {};

TEST_F(SetSettingStep, WritesANumberAndPutsBackWhatStoodThere) {
  put(registry_key::k_rdp_tcp, "fEnableWinStation", std::uint32_t{0});
  const auto step = planned(set_setting(v1::SETTING_LISTENER_ENABLED, 1));
  EXPECT_EQ(step.description(),
            R"(set RDP-Tcp\fEnableWinStation to 1 (was 0): whether the listener takes connections)");
  EXPECT_FALSE(step.drops_sessions());
  EXPECT_FALSE(step.irreversible());
  ASSERT_FALSE(host_.client_connects());
  const auto before = capture(step);
  ASSERT_TRUE(apply(step, before));
  EXPECT_TRUE(host_.client_connects());
  ASSERT_TRUE(undo(step, before));
  EXPECT_FALSE(host_.client_connects());
}

TEST_F(SetSettingStep, PutsBackTheTypeToo) {
  put(registry_key::k_rdp_tcp, "PortNumber", std::string("3389"));
  expect_round_trip(set_setting(v1::SETTING_PORT_NUMBER, 3389));
  put(registry_key::k_term_service_parameters, "ServiceDll", std::string(R"(%SystemRoot%\System32\termsrv.dll)"));
  expect_round_trip(set_setting(v1::SETTING_TERM_SERVICE_DLL, R"(%SystemRoot%\System32\termsrv.dll)"));
}

TEST_F(SetSettingStep, LeavesAbsentWhatWasAbsent) {
  ASSERT_TRUE(control_.registry.erase(registry_key::k_terminal_server, "fDenyTSConnections"));
  ASSERT_FALSE(host_.client_connects());
  expect_round_trip(set_setting(v1::SETTING_DENY_CONNECTIONS, 0));
  EXPECT_EQ(control_.registry.value(registry_key::k_terminal_server, "fDenyTSConnections"), std::nullopt);
}

TEST_F(SetSettingStep, DeletesAValueAndWritesItAgain) {
  put(registry_key::k_rdp_tcp, "SSLCertificateSHA1Hash", RegistryBinary(20, 0xAB));
  const auto step = planned(delete_setting(v1::SETTING_BOUND_CERTIFICATE));
  EXPECT_THAT(step.description(), HasSubstr(R"(delete RDP-Tcp\SSLCertificateSHA1Hash (was 0xABABAB)"));
  expect_round_trip(step);
  // Somebody has written the thumbprint as text (rdp-host.md 2.2, event 1059).
  put(registry_key::k_rdp_tcp, "SSLCertificateSHA1Hash", std::string("ab ab ab"));
  expect_round_trip(step);
}

TEST_F(SetSettingStep, NeverWritesWhatGroupPolicyDecides) {
  put(registry_key::k_terminal_server, "fDenyTSConnections", std::uint32_t{1});
  set_policy("fDenyTSConnections", 0);
  const auto step = planned(set_setting(v1::SETTING_DENY_CONNECTIONS, 0));
  const auto all = host_.fingerprint();
  const auto applied = apply(step, capture(step));
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, ErrorCode::denied);
  EXPECT_THAT(applied.error().what, HasSubstr("Group Policy"));
  EXPECT_EQ(host_.fingerprint(), all);
}

TEST_F(SetSettingStep, PutsBackItsOwnWriteAlsoWhenAPolicyHasCome) {
  put(registry_key::k_terminal_server, "fDenyTSConnections", std::uint32_t{1});
  const auto step = planned(set_setting(v1::SETTING_DENY_CONNECTIONS, 0));
  const auto before = capture(step);
  ASSERT_TRUE(apply(step, before));
  set_policy("fDenyTSConnections", 0);
  EXPECT_TRUE(undo(step, before));
}

TEST_F(SetSettingStep, RaisesAndNeverLowers) {
  put(registry_key::k_rdp_tcp, "SecurityLayer", std::uint32_t{1});
  expect_round_trip(set_setting(v1::SETTING_SECURITY_LAYER, 2));
  const auto lower = planned(set_setting(v1::SETTING_SECURITY_LAYER, 0));
  const auto applied = apply(lower, capture(lower));
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, ErrorCode::denied);
  EXPECT_EQ(read_dword(control_.registry, registry_key::k_rdp_tcp, "SecurityLayer"), 1U);
}

TEST_F(SetSettingStep, RefusesToUndoWhatSomebodyElseHasChangedSince) {
  put(registry_key::k_rdp_tcp, "MinEncryptionLevel", std::uint32_t{1});
  const auto step = planned(set_setting(v1::SETTING_MIN_ENCRYPTION_LEVEL, 3));
  const auto before = capture(step);
  ASSERT_TRUE(apply(step, before));
  put(registry_key::k_rdp_tcp, "MinEncryptionLevel", std::uint32_t{4});
  EXPECT_EQ(undo(step, before).error().code, ErrorCode::conflict);
  EXPECT_EQ(read_dword(control_.registry, registry_key::k_rdp_tcp, "MinEncryptionLevel"), 4U);
}

TEST_F(SetSettingStep, IsNotEvenPlannedWithAValueThatItMayNotHave) {
  EXPECT_EQ(plan({set_setting(v1::SETTING_LISTENER_ENABLED, 0)}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(plan({set_setting(static_cast<v1::Setting>(4711), 0)}).error().code, ErrorCode::unsupported);
}

// The one relaxation that there is: no plan holds it, and whoever applies it all the same is refused.
TEST_F(SetSettingStep, WhatIsOnlyLentIsInNoPlanAndIsNotApplied) {
  auto step = set_setting(v1::SETTING_USER_AUTHENTICATION, 0);
  EXPECT_THAT(plan({step}).error().what, HasSubstr("only lent"));
  const auto& kind = *find_step_kind(step);
  ASSERT_TRUE(kind.is_only_lent(step));
  const auto before = capture(step);
  EXPECT_EQ(kind.apply(control_, step, before).error().code, ErrorCode::denied);
  put(registry_key::k_rdp_tcp, "UserAuthentication", std::uint32_t{7});
  EXPECT_EQ(kind.apply(control_, step, capture(step)).error().code, ErrorCode::denied) << "not even to mend it";
  put(registry_key::k_rdp_tcp, "UserAuthentication", std::uint32_t{1});
  ASSERT_TRUE(kind.lend(control_, step, before));
  EXPECT_EQ(read_dword(control_.registry, registry_key::k_rdp_tcp, "UserAuthentication"), 0U);
  ASSERT_TRUE(undo(step, before));
  EXPECT_EQ(read_dword(control_.registry, registry_key::k_rdp_tcp, "UserAuthentication"), 1U);
}

TEST_F(SetSettingStep, WhatARepairMayWriteIsNotLent) {
  const auto raise = set_setting(v1::SETTING_USER_AUTHENTICATION, 1);
  EXPECT_EQ(find_step_kind(raise)->lend(control_, raise, capture(raise)).error().code, ErrorCode::unsupported);
  const auto restart = restart_service("SessionEnv");
  EXPECT_EQ(find_step_kind(restart)->lend(control_, restart, capture(restart)).error().code, ErrorCode::unsupported);
}

TEST_F(SetSettingStep, AsksOnlyIfTheAdapterReallyChanges) {
  EXPECT_FALSE(planned(set_setting(v1::SETTING_LAN_ADAPTER, 0)).drops_sessions());
  put(registry_key::k_rdp_tcp, "LanAdapter", std::uint32_t{3});
  EXPECT_TRUE(planned(set_setting(v1::SETTING_LAN_ADAPTER, 0)).drops_sessions());
}

TEST_F(SetSettingStep, MakesNoKey) {
  const auto step = planned(set_setting(v1::SETTING_TLS12_SERVER_ENABLED, 1));
  EXPECT_EQ(apply(step, capture(step)).error().code, ErrorCode::not_found);
}

class MoveKeyFileAsideStep : public OnAHost {};

TEST_F(MoveKeyFileAsideStep, MovesTheFileAndMovesItBack) {
  expect_round_trip(move_key());
  EXPECT_FALSE(planned(move_key()).drops_sessions());
  EXPECT_FALSE(planned(move_key()).irreversible());
}

TEST_F(MoveKeyFileAsideStep, MovesASecondFileOfThatNameBesideTheFirst) {
  const auto step = planned(move_key());
  ASSERT_TRUE(apply(step, capture(step)));
  ASSERT_TRUE(control_.services.stop("SessionEnv", 30s));
  ASSERT_TRUE(control_.services.start("SessionEnv", 30s));
  v1::SimChange again;
  again.mutable_certificate()->mutable_expires_in()->set_seconds(86400);
  host_.change(again);
  ASSERT_TRUE(capture(step).key_file().present());
  EXPECT_EQ(capture(step).key_file().last_aside(), 1U);
  expect_round_trip(move_key());
  ASSERT_TRUE(apply(step, capture(step)));
  EXPECT_EQ(capture(step).key_file().last_aside(), 2U);
}

TEST_F(MoveKeyFileAsideStep, LeavesANewFileWhereItStands) {
  const auto step = planned(move_key());
  const auto before = capture(step);
  ASSERT_TRUE(apply(step, before));
  v1::SimChange made;
  made.mutable_certificate()->mutable_expires_in()->set_seconds(86400);
  host_.change(made);
  const auto undone = undo(step, before);
  ASSERT_FALSE(undone);
  EXPECT_EQ(undone.error().code, ErrorCode::conflict);
  EXPECT_THAT(undone.error().what, HasSubstr("new key file"));
}

TEST_F(MoveKeyFileAsideStep, TouchesNoKeyButTheListeners) {
  const auto guid = read_text(control_.registry, registry_key::k_cryptography, "MachineGuid").value().value();
  const auto other = machine_key_file_name("iisConfigurationKey", guid);
  ASSERT_TRUE(control_.key_files.find(k_machine_keys_folder, other).value());
  EXPECT_EQ(plan({move_key_file_aside(k_machine_keys_folder, other)}).error().code, ErrorCode::invalid_argument);
}

TEST_F(MoveKeyFileAsideStep, KeepsNothingOfTheKeyInTheJournal) {
  const auto state = capture(planned(move_key()));
  EXPECT_GT(state.key_file().size(), 0U);
  EXPECT_LT(state.ByteSizeLong(), 400U) << state.ShortDebugString();
}

// What plans say once they have looked at the host.
class PlannedSteps : public OnAHost {
 protected:
  PlannedSteps() : OnAHost("certificate-expired") {}
  v1::Step remove_registered() {
    const auto sha1 = read_binary(control_.registry, registry_key::k_win_stations, "SelfSignedCertificate");
    return remove_certificate(k_remote_desktop_store, to_hex(sha1.value().value()));
  }
};

TEST_F(PlannedSteps, StartingWhatDoesNotRunDropsNobody) {
  EXPECT_TRUE(planned(restart_service("TermService")).drops_sessions());
  EXPECT_EQ(planned(restart_service("TermService")).description(), "restart service TermService");
  ASSERT_TRUE(control_.services.stop("UmRdpService", 5s));
  ASSERT_TRUE(control_.services.stop("TermService", 5s));
  EXPECT_FALSE(planned(restart_service("TermService")).drops_sessions());
  EXPECT_EQ(planned(restart_service("TermService")).description(), "start service TermService");
}

TEST_F(PlannedSteps, RestartingWhatTermServiceStandsOnDropsEverybody) {
  EXPECT_TRUE(planned(restart_service("RpcSs")).drops_sessions());
  EXPECT_FALSE(planned(restart_service("SessionEnv")).drops_sessions());
}

TEST_F(PlannedSteps, AServiceThatIsStartedMeanwhileIsNotRestarted) {
  ASSERT_TRUE(control_.services.stop("UmRdpService", 5s));
  ASSERT_TRUE(control_.services.stop("TermService", 5s));
  const auto step = planned(restart_service("TermService"));
  const auto before = capture(step);
  ASSERT_TRUE(control_.services.start("TermService", 5s));
  EXPECT_NE(find_step_kind(step)->difference(before, capture(step)), std::nullopt);
}

TEST_F(PlannedSteps, RemovingACertificateThatIsStillGoodCannotBeUndone) {
  EXPECT_FALSE(planned(remove_registered()).irreversible()) << "it has expired";
  v1::SimChange renewed;
  renewed.mutable_certificate()->mutable_expires_in()->set_seconds(86400);
  host_.change(renewed);
  EXPECT_TRUE(planned(remove_registered()).irreversible());
  v1::SimChange lost;
  lost.mutable_certificate()->set_key_missing(true);
  host_.change(lost);
  EXPECT_FALSE(planned(remove_registered()).irreversible()) << "it has no key";
}

TEST_F(PlannedSteps, HaveWhatTheirPlanIsFor) {
  v1::Diagnosis diagnosis;
  diagnosis.set_fault_id("certificate_expired");
  diagnosis.set_subject("RDP-Tcp");
  v1::Plan draft;
  *draft.add_rungs()->add_steps() = restart_service("SessionEnv");
  *draft.add_rungs()->add_steps() = restart_service("TermService");
  const auto made = make_plan(control_.view(), draft, diagnosis, "7/1").value();
  EXPECT_EQ(made.plan.id(), "7/1");
  EXPECT_EQ(made.plan.fault_id(), "certificate_expired");
  EXPECT_EQ(made.plan.subject(), "RDP-Tcp");
  ASSERT_EQ(made.before.size(), 1U) << "of the first rung alone";
  EXPECT_FALSE(made.before[0].service().running()) << "the scenario has stopped it";
  EXPECT_EQ(made.plan.rungs(1).steps(0).number(), 2U);
  EXPECT_TRUE(drops_sessions(made.plan.rungs(1)));
}

TEST_F(PlannedSteps, OfALaterRungThatCannotBeLookedAtAreTakenToDoTheirWorst) {
  v1::Plan draft;
  *draft.add_rungs()->add_steps() = restart_service("SessionEnv");
  auto& later = *draft.add_rungs();
  *later.add_steps() = restart_service("TermService");
  *later.add_steps() = restart_service("NoSuchService");
  ASSERT_TRUE(control_.services.stop("UmRdpService", 5s));
  ASSERT_TRUE(control_.services.stop("TermService", 5s));
  const auto made = make_plan(control_.view(), draft, {}, "7/1");
  ASSERT_TRUE(made) << to_string(made.error());
  EXPECT_TRUE(made->plan.rungs(1).steps(0).drops_sessions());

  draft.mutable_rungs()->DeleteSubrange(0, 1);
  EXPECT_EQ(make_plan(control_.view(), draft, {}, "7/2").error().code, ErrorCode::not_found);
}

TEST(StepKinds, EveryStepOfTheVocabularyHasOne) {
  const auto& kinds = *v1::Step::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds.field_count(); ++i) {
    v1::Step step;
    step.GetReflection()->MutableMessage(&step, kinds.field(i));
    const auto* kind = find_step_kind(step);
    ASSERT_NE(kind, nullptr) << kinds.field(i)->name();
    EXPECT_FALSE(kind->describe(step, {}).empty());
  }
}

// One rung with one step, carried out by the executor while the host misbehaves, and undone after that.
struct Attempt {
  std::string name;
  sim::Injection injection;
};

std::vector<Attempt> attempts() {
  std::vector<Attempt> all;
  for (const auto injection : sim::k_all_injections) {
    for (const std::string name : {"set", "delete", "move"}) all.push_back({name, injection});
  }
  return all;
}

class EveryWayToGoWrong : public OnAHost, public testing::WithParamInterface<Attempt> {
 protected:
  v1::Step step() {
    if (GetParam().name == "set") return set_setting(v1::SETTING_PORT_NUMBER, 3390);
    if (GetParam().name == "move") return move_key();
    put(registry_key::k_rdp_tcp, "SSLCertificateSHA1Hash", RegistryBinary(20, 1));
    return delete_setting(v1::SETTING_BOUND_CERTIFICATE);
  }
};
INSTANTIATE_TEST_SUITE_P(Executor, EveryWayToGoWrong, testing::ValuesIn(attempts()), [](const auto& test) {
  auto name = test.param.name + " " + std::string(to_string(test.param.injection));
  std::ranges::replace(name, ' ', '_');
  return name;
});

TEST_P(EveryWayToGoWrong, TheHostIsPutBackOrTheRecordSaysWhyNot) {
  auto wanted = step();
  v1::Diagnosis diagnosis;
  diagnosis.set_fault_id("port_changed");
  v1::Plan draft;
  *draft.add_rungs()->add_steps() = wanted;
  const auto made = make_plan(control_.view(), draft, diagnosis, "1/1").value();
  sim::MemoryJournal journal;
  Ledger ledger(journal, control_.clock);
  const auto id = ledger.open_incident(diagnosis, {}).value();
  ASSERT_TRUE(ledger.record(id, [&](auto& entry) { *entry.mutable_plan_made()->mutable_plan() = made.plan; }));
  ASSERT_TRUE(ledger.record(id, [&](auto& entry) { entry.mutable_repair_started()->set_plan_id("1/1"); }));
  const auto all = host_.fingerprint();

  const Executor executor(control_, ledger);
  host_.injector().arm(1, GetParam().injection);
  Status climbed;
  try {
    climbed = executor.climb(id, made.plan.rungs(0), made.before, {});
  } catch (const sim::Crash&) {
    climbed = fail(ErrorCode::internal, "the process died");
  }
  EXPECT_TRUE(!climbed || GetParam().injection == sim::Injection::outside_edit);

  const auto blocked = executor.undo(*ledger.incident(id));
  if (host_.fingerprint() == all) {
    EXPECT_TRUE(blocked.empty()) << blocked.front();
  } else {
    // Only where somebody else's hand was in it.
    EXPECT_EQ(GetParam().injection, sim::Injection::outside_edit);
    EXPECT_TRUE(GetParam().name != "move" || !blocked.empty());
  }
}

}  // namespace
}  // namespace rdpmend
