#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "tests/faults/fault_bench.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr const char* k_tcp = "RemoteDesktop-UserMode-In-TCP";
constexpr const char* k_udp = "RemoteDesktop-UserMode-In-UDP";

// The host's firewall with one rule more.
class OneRuleMore final : public Firewall {
 public:
  OneRuleMore(Firewall& firewall, FirewallRule rule) : firewall_(firewall), rule_(std::move(rule)) {}
  Result<FirewallStatus> status() const override { return firewall_.status(); }
  Result<std::vector<FirewallRule>> rules(std::string_view group) const override {
    auto rules = firewall_.rules(group);
    if (rules) rules->push_back(rule_);
    return rules;
  }
  Result<std::vector<SecurityRuleText>> security_rules() const override { return firewall_.security_rules(); }
  Status set_enabled(std::string_view rule_id, bool enabled) override {
    return firewall_.set_enabled(rule_id, enabled);
  }

 private:
  Firewall& firewall_;
  FirewallRule rule_;
};

struct Bench : FaultBench {
  explicit Bench(const std::string& name = "healthy") : FaultBench("firewall_rule_disabled", name) {
    host.advance(10s);
  }

  std::optional<v1::Diagnosis> detect_with(FirewallRule rule) {
    const OneRuleMore firewall(host.control().firewall, std::move(rule));
    return detect(view().with(firewall));
  }
  void change(const std::string& text) {
    v1::SimChange change;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &change)) << text;
    host.change(change);
  }
  void disable(const std::string& rule_id) {
    v1::SimChange change;
    auto& rule = *change.mutable_firewall()->add_rules();
    rule.set_rule_id(rule_id);
    rule.set_enabled(false);
    host.change(change);
  }
};

FirewallRule rule_for_everything() {
  FirewallRule rule;
  rule.id = "everything";
  rule.enabled = true;
  rule.protocol = 256;
  rule.local_ports = "*";
  rule.remote_addresses = "*";
  return rule;
}

TEST(FirewallRuleDisabled, IsAbsentOnAHealthyHost) {
  EXPECT_FALSE(Bench().detect());
}

TEST(FirewallRuleDisabled, PlansOneStepForEachDisabledRule) {
  Bench bench("firewall-rule-disabled");
  const auto plan = bench.plan();
  ASSERT_EQ(plan.rungs_size(), 1);
  ASSERT_EQ(plan.rungs(0).steps_size(), 2);
  EXPECT_EQ(plan.rungs(0).steps(0).enable_firewall_rule().rule_id(), k_tcp);
  EXPECT_EQ(plan.rungs(0).steps(1).enable_firewall_rule().rule_id(), k_udp);
}

TEST(FirewallRuleDisabled, DoesNotMissUdpWherePolicyAsksForTcpOnly) {
  Bench bench;
  bench.disable(k_udp);
  EXPECT_TRUE(bench.detect());
  bench.set_registry(registry_key::k_policy, "SelectTransport", 1);
  EXPECT_FALSE(bench.detect());
}

TEST(FirewallRuleDisabled, ReportsARuleTurnedToBlock) {
  Bench bench("firewall-rule-blocked");
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_FALSE(diagnosis->repairable());
  EXPECT_EQ(bench.plan().rungs_size(), 0);
}

TEST(FirewallRuleDisabled, ABlockThatIsNotForEverybodyKeepsNoRepairBack) {
  auto block = rule_for_everything();
  block.allow = false;
  Bench bench("firewall-rule-disabled");
  EXPECT_FALSE(bench.detect_with(block)->repairable());
  block.narrowed = true;  // To one interface, say.
  EXPECT_TRUE(bench.detect_with(block)->repairable());
  EXPECT_FALSE(Bench().detect_with(block));
}

TEST(FirewallRuleDisabled, ANarrowerRuleInItsPlaceIsADecision) {
  auto vpn = rule_for_everything();
  vpn.narrowed = true;
  EXPECT_FALSE(Bench("firewall-rule-disabled").detect_with(vpn));
}

TEST(FirewallRuleDisabled, ReportsGroupPolicyInsteadOfFightingIt) {
  Bench bench("firewall-policy");
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_FALSE(diagnosis->repairable());
  EXPECT_THAT(diagnosis->advice(), HasSubstr("Group Policy"));
}

TEST(FirewallRuleDisabled, ReportsBlockAllInbound) {
  Bench bench;
  v1::SimChange change;
  change.mutable_firewall()->set_block_all_inbound(true);
  bench.host.change(change);
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_FALSE(diagnosis->repairable());
}

// reports.md R21, measured.md L7.
TEST(FirewallRuleDisabled, ReportsAPortThatNoRuleCoversAndLeavesTheStockRulesAlone) {
  Bench bench;
  bench.set_registry(registry_key::k_rdp_tcp, "PortNumber", 33890);
  const auto enabled = bench.detect();
  ASSERT_TRUE(enabled);
  EXPECT_FALSE(enabled->repairable());
  EXPECT_THAT(enabled->summary(), HasSubstr("33890"));
  bench.disable(k_tcp);
  EXPECT_FALSE(bench.detect()->repairable());
  EXPECT_EQ(bench.plan().rungs_size(), 0);
}

TEST(FirewallRuleDisabled, ARuleOfItsOwnForAMovedPortIsHealthy) {
  auto own = rule_for_everything();
  own.protocol = 6;
  own.local_ports = "33890";
  Bench bench;
  bench.set_registry(registry_key::k_rdp_tcp, "PortNumber", 33890);
  EXPECT_FALSE(bench.detect_with(own));
}

constexpr const char* k_tunnel_is_public =
    R"(firewall { interfaces { name: "Ethernet" profile: 1 } interfaces { name: "wg_server" profile: 4 carries_clients: true }
       rules { rule_id: "RemoteDesktop-UserMode-In-TCP" profiles: 3 } })";

// reports.md R24, R25.
TEST(FirewallRuleDisabled, ARuleForAnotherProfileThanThatOfTheClientsInterfaceIsReportedAndNotWidened) {
  Bench bench;
  bench.change(k_tunnel_is_public);
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_FALSE(diagnosis->repairable());
  EXPECT_THAT(diagnosis->DebugString(), HasSubstr("enabled for domain, private only"));
  EXPECT_THAT(diagnosis->DebugString(), HasSubstr("public, the profile of interface wg_server (public)"));
  EXPECT_EQ(bench.plan().rungs_size(), 0);
}

TEST(FirewallRuleDisabled, OfSeveralInterfacesWithClientsAnyThatIsShutIsSaid) {
  Bench bench;
  bench.change(R"(firewall { interfaces { name: "Ethernet" profile: 1 carries_clients: true }
                             interfaces { name: "Office VPN" profile: 4 carries_clients: true }
                             rules { rule_id: "RemoteDesktop-UserMode-In-TCP" profiles: 1 } })");
  ASSERT_TRUE(bench.detect());
  EXPECT_THAT(bench.detect()->advice(), HasSubstr("interface Office VPN (public)"));
  EXPECT_EQ(bench.verify().result(), v1::Verdict::RESULT_REPAIRED);
  EXPECT_THAT(bench.verify().summary(), HasSubstr("still shut is interface Office VPN (public)"));
}

// reports.md R22.
TEST(FirewallRuleDisabled, BlockAllInTheProfileOfAnUnrelatedAdapterIsNoFault) {
  Bench bench;
  bench.change(R"(firewall { interfaces { name: "Ethernet" profile: 1 carries_clients: true }
                             interfaces { name: "Wi-Fi" profile: 4 } block_all_profiles: 4 })");
  EXPECT_FALSE(bench.detect());
  bench.change("firewall { block_all_profiles: 1 }");
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_THAT(diagnosis->DebugString(), HasSubstr("interface Ethernet (domain)"));
}

TEST(FirewallRuleDisabled, AnInterfaceOfUnknownProfileMustBeOpenInEachActiveOne) {
  Bench bench;
  bench.change(R"(firewall { interfaces { name: "Ethernet" profile: 1 } interfaces { name: "Wi-Fi" profile: 2 }
                             rules { rule_id: "RemoteDesktop-UserMode-In-TCP" profiles: 1 } })");
  ASSERT_TRUE(bench.detect());
  EXPECT_THAT(bench.detect()->advice(), HasSubstr("profile private"));
}

// measured.md F1, F6.
TEST(FirewallRuleDisabled, AFirewallServiceThatDoesNotRunIsReportedWithItsStartType) {
  for (const std::string name : {"MpsSvc", "BFE"}) {
    Bench bench;
    bench.change("services { name: \"" + name + "\" running: false start_type: SERVICE_START_TYPE_DISABLED }");
    const auto diagnosis = bench.detect();
    ASSERT_TRUE(diagnosis) << name;
    EXPECT_FALSE(diagnosis->repairable());
    EXPECT_THAT(diagnosis->summary(), HasSubstr("everything inbound is dropped"));
    EXPECT_THAT(diagnosis->DebugString(), HasSubstr("start type Disabled"));
    EXPECT_EQ(bench.verify().result(), v1::Verdict::RESULT_NOT_REPAIRED);
  }
}

// measured.md P1-P5.
TEST(FirewallRuleDisabled, AConnectionSecurityRuleThatInsistsIsReported) {
  Bench bench;
  bench.change(
      R"(firewall { con_sec_rules { rule_id: "{guid}" text: "v2.31|Action=SecureServer|Active=TRUE|Name=x|" } })");
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_FALSE(diagnosis->repairable());
  EXPECT_THAT(diagnosis->summary(), HasSubstr("{guid}: drops clients"));
  bench.change(
      R"(firewall { con_sec_rules { rule_id: "{guid}" text: "v2.31|Action=Secure|Active=TRUE|EP2_4=10.0.0.0/8|" } })");
  EXPECT_THAT(bench.detect()->summary(), HasSubstr("may drop"));
  bench.change(R"(firewall { con_sec_rules { rule_id: "{guid}" text: "v2.31|Action=Boundary|Active=TRUE|" } })");
  EXPECT_FALSE(bench.detect());
}

TEST(FirewallRuleDisabled, AConnectionSecurityRuleThatCannotBeJudgedIsNotHealthy) {
  Bench bench;
  bench.change(R"(firewall { con_sec_rules { rule_id: "new" text: "v9|Action=Secure|Active=TRUE|Novelty=1|" } })");
  EXPECT_EQ(bench.look().outcome(), Finding::OUTCOME_UNKNOWN);
}

TEST(FirewallRuleDisabled, AHostThatIsReachedByReverseConnectIsNotOpened) {
  Bench bench("firewall-rule-disabled");
  bench.set_registry(R"(SOFTWARE\Microsoft\RDInfraAgent)", "IsRegistered", 1);
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_FALSE(diagnosis->repairable());
  EXPECT_THAT(diagnosis->summary(), HasSubstr("Azure Virtual Desktop"));
  EXPECT_EQ(bench.plan().rungs_size(), 0);
}

TEST(FirewallRuleDisabled, TheOwnAddressProvesNothing) {
  Bench bench("firewall-rule-disabled");
  EXPECT_EQ(bench.verify().result(), v1::Verdict::RESULT_NOT_REPAIRED);
  EXPECT_EQ(bench.verify().probe().outcome(), v1::PROBE_OUTCOME_OK);
  const auto diagnosis = bench.detect();
  EXPECT_THAT(diagnosis->DebugString(), HasSubstr("own address, which the firewall does not filter"));
  bench.change(R"(firewall { rules { rule_id: "RemoteDesktop-UserMode-In-TCP" enabled: true }
                             rules { rule_id: "RemoteDesktop-UserMode-In-UDP" enabled: true } })");
  EXPECT_EQ(bench.verify().result(), v1::Verdict::RESULT_REPAIRED);
  EXPECT_THAT(bench.verify().summary(), HasSubstr("interface Ethernet (domain)"));
  EXPECT_THAT(bench.verify().summary(), HasSubstr("rdpmend probe"));
}

TEST(FirewallRuleDisabled, AsksFirstUnlessTheHostWasHealthyWithTheRulesEnabledADayAgoAtMost) {
  EXPECT_TRUE(Bench("firewall-rule-disabled").detect()->ask_first());
  Bench bench;
  bench.remember_healthy();
  bench.disable(k_tcp);
  EXPECT_FALSE(bench.detect()->ask_first());
  bench.host.advance(25h);
  EXPECT_TRUE(bench.detect()->ask_first());
}

TEST(FirewallRuleDisabled, AsksFirstAboutARuleThatWasDisabledOnTheHealthyHost) {
  Bench bench;
  bench.disable(k_udp);
  bench.remember_healthy();
  bench.disable(k_tcp);
  EXPECT_TRUE(bench.detect()->ask_first()) << "UDP was off when all was well, and the plan would enable it, too";
}

TEST(FirewallRuleDisabled, AsksFirstOnceTheClockWasSetBackBeforeTheHostWasSeenHealthy) {
  Bench bench;
  bench.remember_healthy();
  bench.disable(k_tcp);
  *bench.baseline.mutable_seen() = to_proto(bench.view().clock.now() + 1h);
  EXPECT_TRUE(bench.detect()->ask_first());
}

TEST(FirewallRuleDisabled, IsNoFaultWhereRemoteDesktopIsOff) {
  Bench bench("firewall-rule-disabled");
  bench.set_registry(std::string(registry_key::k_terminal_server), "fDenyTSConnections", 1);
  EXPECT_FALSE(bench.detect());
}

TEST(FirewallRuleDisabled, SaysWhoChangedTheRule) {
  sim::SimHost host(scenario("firewall-rule-disabled"), {});
  sim::MemoryJournal journal;
  RehearsedEngine engine(host, journal);
  ASSERT_TRUE(
      engine.run_until([&] { return engine.in_state("firewall_rule_disabled", v1::INCIDENT_STATE_REPAIRED); }, 5min));
  EXPECT_THAT(engine.incident("firewall_rule_disabled")->diagnosis().DebugString(),
              HasSubstr("who changed a rule last"));
}

TEST(FirewallRuleDisabled, WhatWasDisabledBeforeTheFirstLookIsProposed) {
  sim::SimHost host(scenario("firewall-rule-disabled"), {});
  host.advance(10s);
  sim::MemoryJournal journal;
  RehearsedEngine engine(host, journal);
  EXPECT_TRUE(engine.run_until(
      [&] { return engine.in_state("firewall_rule_disabled", v1::INCIDENT_STATE_AWAITING_APPROVAL); }, 1min));
  engine.run_for(1h);
  EXPECT_FALSE(host.client_connects());
}

v1::SimChange tcp_rule_disabled() {
  v1::SimChange change;
  auto& rule = *change.mutable_firewall()->add_rules();
  rule.set_rule_id(k_tcp);
  rule.set_enabled(false);
  return change;
}

TEST(FirewallRuleDisabled, WhatItHasSeenSurvivesARestartWhereTheJournalTells) {
  sim::SimHost host(scenario("healthy"), {});
  sim::MemoryJournal journal;
  const auto repaired = [](RehearsedEngine& engine) {
    return engine.run_until([&] { return engine.in_state("firewall_rule_disabled", v1::INCIDENT_STATE_REPAIRED); }, 1h);
  };
  {
    RehearsedEngine engine(host, journal);
    engine.run_for(1min);
    host.change(tcp_rule_disabled());
    ASSERT_TRUE(repaired(engine));
  }
  host.change(tcp_rule_disabled());
  RehearsedEngine engine(host, journal);
  engine.run_for(1min);
  EXPECT_FALSE(engine.in_state("firewall_rule_disabled", v1::INCIDENT_STATE_AWAITING_APPROVAL));
  EXPECT_TRUE(repaired(engine)) << "the repair that it proved is in the journal";
}

}  // namespace
}  // namespace rdpmend::test
