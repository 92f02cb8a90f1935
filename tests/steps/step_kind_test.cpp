// Each kind of step on the rehearsed host: capture, apply, read back, undo; and undo refused after somebody else's
// edit.
#include "agent-lib/steps/step_kind.hpp"

#include <gtest/gtest.h>

#include "agent-lib/sim/scenarios.hpp"
#include "agent-lib/sim/sim_host.hpp"
#include "agent-lib/support/hex.hpp"

namespace rdpmend {
namespace {

class StepTest : public testing::Test {
 protected:
  StepTest() : host_(sim::find_scenario("certificate-expired").value(), {}), control_(host_.control()) {}

  const StepKind& kind() { return *find_step_kind(step_); }
  v1::StepState capture() { return kind().capture(control_.view(), step_).value(); }
  void number_it() {
    v1::Plan plan;
    *plan.add_rungs()->add_steps() = step_;
    ASSERT_TRUE(finish_plan(plan));
    step_ = plan.rungs(0).steps(0);
  }
  // Applies, checks what the step promises, undoes, and expects the host as it was.
  void expect_round_trip() {
    number_it();
    const auto before_all = host_.fingerprint();
    const auto before = capture();
    ASSERT_TRUE(kind().apply(control_, step_, before));
    const auto after = capture();
    EXPECT_EQ(kind().difference(kind().expected_after(step_, before), after), std::nullopt);
    EXPECT_NE(kind().difference(before, after), std::nullopt) << "the step changed nothing";
    ASSERT_TRUE(kind().undo(control_, step_, before, after));
    EXPECT_EQ(host_.fingerprint(), before_all);
  }
  std::string registered() {
    return to_hex(
        read_binary(control_.registry, registry_key::k_win_stations, "SelfSignedCertificate").value().value());
  }
  std::string key_file() {
    const auto guid = read_text(control_.registry, registry_key::k_cryptography, "MachineGuid").value().value();
    return machine_key_file_name("TSSecKeySet1", guid);
  }
  void grant_system_access() {
    auto& grant = *step_.mutable_grant_key_file_access();
    grant.set_folder(std::string(k_machine_keys_folder));
    grant.set_file(key_file());
    auto& ace = *grant.add_missing();
    ace.set_type(v1::Ace::TYPE_ALLOW);
    ace.set_sid(std::string(sid::k_system));
    ace.set_mask(k_file_all_access);
  }

  sim::SimHost host_;
  HostControl control_;
  v1::Step step_;
};

TEST_F(StepTest, GrantsKeyFileAccessAndTakesItBack) {
  grant_system_access();
  expect_round_trip();
}

TEST_F(StepTest, PutsNewEntriesBeforeInheritedOnes) {
  grant_system_access();
  number_it();
  v1::StepState before;
  auto& security = *before.mutable_key_file()->mutable_security();
  security.add_dacl()->set_sid("S-1-5-32-544");
  auto& inherited = *security.add_dacl();
  inherited.set_sid("S-1-1-0");
  inherited.set_flags(0x10);
  const auto after = kind().expected_after(step_, before);
  ASSERT_EQ(after.key_file().security().dacl_size(), 3);
  EXPECT_EQ(after.key_file().security().dacl(1).sid(), sid::k_system);
  EXPECT_EQ(after.key_file().security().dacl(2).sid(), "S-1-1-0");
}

v1::Ace entry(v1::Ace::Type type, std::string_view who, std::uint32_t mask, std::uint32_t flags) {
  v1::Ace ace;
  ace.set_type(type);
  ace.set_sid(std::string(who));
  ace.set_mask(mask);
  ace.set_flags(flags);
  return ace;
}

v1::StepState with_entries(const std::vector<v1::Ace>& entries) {
  v1::StepState state;
  state.mutable_key_file()->set_present(true);
  for (const auto& ace : entries) *state.mutable_key_file()->mutable_security()->add_dacl() = ace;
  return state;
}

constexpr std::uint32_t k_inherited = 0x10;

TEST_F(StepTest, AnInheritedEntryThatWindowsComputesAnewIsNoDifference) {
  grant_system_access();
  const auto ours = entry(v1::Ace::TYPE_ALLOW, sid::k_system, k_file_all_access, 0);
  const auto stale = entry(v1::Ace::TYPE_ALLOW, sid::k_everyone, k_file_generic_read, k_inherited);
  EXPECT_EQ(kind().difference(with_entries({ours, stale}), with_entries({ours})), std::nullopt);
  EXPECT_NE(kind().difference(with_entries({ours, stale}), with_entries({stale})), std::nullopt);
}

TEST_F(StepTest, AnEntryOfTheFilesOwnIsComparedWordForWord) {
  grant_system_access();
  const auto full = entry(v1::Ace::TYPE_ALLOW, sid::k_system, k_file_all_access, 0);
  const auto read = entry(v1::Ace::TYPE_ALLOW, sid::k_system, k_file_generic_read, 0);
  const auto more = entry(v1::Ace::TYPE_ALLOW, sid::k_everyone, k_file_generic_read, 0);
  EXPECT_NE(kind().difference(with_entries({full}), with_entries({read})), std::nullopt);
  EXPECT_NE(kind().difference(with_entries({full}), with_entries({full, more})), std::nullopt);
  EXPECT_NE(kind().difference(with_entries({full, more}), with_entries({more, full})), std::nullopt);
}

TEST_F(StepTest, AnInheritedDenyThatTakesAwayWhatWasWrittenIsADifference) {
  grant_system_access();
  const auto ours = entry(v1::Ace::TYPE_ALLOW, sid::k_system, k_file_all_access, 0);
  const auto deny = entry(v1::Ace::TYPE_DENY, sid::k_system, k_file_generic_read, k_inherited);
  EXPECT_NE(kind().difference(with_entries({ours}), with_entries({deny, ours})), std::nullopt);
}

TEST_F(StepTest, RefusesToUndoAnAccessListThatSomebodyElseChanged) {
  grant_system_access();
  number_it();
  const auto before = capture();
  ASSERT_TRUE(kind().apply(control_, step_, before));
  auto edited = capture().key_file().security();
  edited.add_dacl()->set_sid("S-1-5-19");
  ASSERT_TRUE(control_.key_files.write_dacl(k_machine_keys_folder, key_file(), edited));
  const auto undone = kind().undo(control_, step_, before, capture());
  ASSERT_FALSE(undone);
  EXPECT_EQ(undone.error().code, ErrorCode::conflict);
}

TEST_F(StepTest, RemovesACertificateAndPutsItBackWithItsKeyLink) {
  step_.mutable_remove_certificate()->set_store(std::string(k_remote_desktop_store));
  step_.mutable_remove_certificate()->set_sha1(registered());
  expect_round_trip();
}

TEST_F(StepTest, KeepsAKeyFileAndPutsItBackOnlyWhereItWasTakenAway) {
  auto& keep = *step_.mutable_keep_key_file();
  keep.set_folder(std::string(k_machine_keys_folder));
  keep.set_file(key_file());
  keep.set_store(std::string(k_remote_desktop_store));
  keep.set_sha1(registered());
  number_it();
  const auto before_all = host_.fingerprint();
  const auto before = capture();
  ASSERT_TRUE(kind().apply(control_, step_, before));
  EXPECT_EQ(host_.fingerprint(), before_all);
  ASSERT_TRUE(kind().undo(control_, step_, before, capture()));
  EXPECT_EQ(host_.fingerprint(), before_all);

  v1::SimChange taken;
  taken.mutable_certificate()->set_key_missing(true);
  host_.change(taken);
  EXPECT_NE(kind().difference(before, capture()), std::nullopt);
  ASSERT_TRUE(kind().undo(control_, step_, before, capture()));
  EXPECT_EQ(host_.fingerprint(), before_all);
}

TEST_F(StepTest, ChangesAStartTypeAndPutsItBack) {
  step_.mutable_set_service_start_type()->set_service("SessionEnv");
  step_.mutable_set_service_start_type()->set_start_type(v1::SERVICE_START_TYPE_DISABLED);
  expect_round_trip();
}

TEST_F(StepTest, EnablesAFirewallRuleAndDisablesItAgain) {
  ASSERT_TRUE(control_.firewall.set_enabled("RemoteDesktop-UserMode-In-TCP", false));
  step_.mutable_enable_firewall_rule()->set_rule_id("RemoteDesktop-UserMode-In-TCP");
  expect_round_trip();
}

TEST_F(StepTest, RestartsAServiceWithTheDependentsThatRan) {
  step_.mutable_restart_service()->set_service("TermService");
  number_it();
  EXPECT_TRUE(step_.drops_sessions());
  const auto before = capture();
  ASSERT_EQ(before.service().running_dependents_size(), 1);
  ASSERT_TRUE(kind().apply(control_, step_, before));
  EXPECT_EQ(kind().difference(before, capture()), std::nullopt);
}

TEST_F(StepTest, StartsAgainWhatARestartLeftStopped) {
  step_.mutable_restart_service()->set_service("TermService");
  number_it();
  const auto before = capture();
  ASSERT_TRUE(control_.services.stop("UmRdpService", std::chrono::seconds{5}));
  ASSERT_TRUE(control_.services.stop("TermService", std::chrono::seconds{5}));
  ASSERT_TRUE(kind().undo(control_, step_, before, capture()));
  EXPECT_EQ(kind().difference(before, capture()), std::nullopt);
}

TEST_F(StepTest, KnowsThatOnlyTermServiceDropsSessions) {
  step_.mutable_restart_service()->set_service("SessionEnv");
  number_it();
  EXPECT_FALSE(step_.drops_sessions());
}

TEST_F(StepTest, RefusesAPlanWithAStepOfNoKind) {
  v1::Plan plan;
  plan.add_rungs()->add_steps();
  EXPECT_FALSE(finish_plan(plan));
}

}  // namespace
}  // namespace rdpmend
