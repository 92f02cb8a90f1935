// The simulated host firewall.
#include "tests/sim/sim_test_support.hpp"

namespace rdpmend::sim {
namespace {

constexpr std::string_view k_tcp_rule = "RemoteDesktop-UserMode-In-TCP";

bool lets_in(TestHost& host) {
  return host.probe(Vantage::outside).outcome() == v1::PROBE_OUTCOME_OK;
}

TEST(Firewall, HasTheStockRules) {
  TestHost host;
  const auto rules = host.view.firewall.rules(k_remote_desktop_group).value();
  ASSERT_EQ(rules.size(), 3U);
  for (const auto& rule : rules) EXPECT_TRUE(rule.enabled && rule.allow && rule.inbound) << rule.id;
  EXPECT_EQ(rules[0].id, k_tcp_rule);
  EXPECT_TRUE(host.view.firewall.rules("@Other.dll,-1").value().empty());
}

TEST(Firewall, DisabledRuleStopsClientsButNothingOfTheHostItself) {
  TestHost host;
  host.change(R"(firewall { rules { rule_id: "RemoteDesktop-UserMode-In-TCP" enabled: false } })");
  const auto report = host.probe(Vantage::outside);
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_CONNECT_TIMEOUT);
  EXPECT_EQ(from_proto(report.elapsed()), std::chrono::seconds{5});
  EXPECT_EQ(host.probe(Vantage::loopback).outcome(), v1::PROBE_OUTCOME_OK);
  EXPECT_EQ(host.probe(Vantage::own_address).outcome(), v1::PROBE_OUTCOME_OK) << "measured.md F8";
  const auto seen = host.count(k_rdp_core_operational, k_rdp_core_provider, 131);
  EXPECT_FALSE(host.client_connects());
  EXPECT_EQ(host.count(k_rdp_core_operational, k_rdp_core_provider, 131), seen)
      << "what is dropped does not reach the listener";
  ASSERT_TRUE(host.control().firewall.set_enabled(k_tcp_rule, true));
  EXPECT_TRUE(lets_in(host));
}

TEST(Firewall, EveryChangeOfARuleIsLoggedInTheRealLayout) {
  TestHost host;
  ASSERT_TRUE(host.control().firewall.set_enabled(k_tcp_rule, false));
  ASSERT_TRUE(host.control().firewall.set_enabled(k_tcp_rule, false));
  const auto events = host.events(k_firewall_channel, k_firewall_provider, 2005);
  ASSERT_EQ(events.size(), 1U) << "what changes nothing is not logged";
  for (const auto* field :
       {"<Data Name=\"RuleId\">RemoteDesktop-UserMode-In-TCP</Data>", "<Data Name=\"Active\">0</Data>",
        "<Data Name=\"Action\">3</Data>", "<Data Name=\"ModifyingApplication\">"}) {
    EXPECT_NE(events[0].find(field), std::string::npos) << field;
  }
  host.change(R"(firewall { rules { rule_id: "RemoteDesktop-UserMode-In-TCP" absent: true } })");
  EXPECT_EQ(host.count(k_firewall_channel, k_firewall_provider, 2006), 1U);
  EXPECT_EQ(host.control().firewall.set_enabled(k_tcp_rule, true).error().code, ErrorCode::not_found);
}

TEST(Firewall, BlockRuleBeatsAllowRule) {
  TestHost host;
  host.change(R"(firewall { rules { rule_id: "Somebody-Elses-Block" block: true } })");
  EXPECT_FALSE(lets_in(host));
}

TEST(Firewall, BlockAllInboundBeatsEveryRule) {
  TestHost host;
  host.change("firewall { block_all_inbound: true }");
  EXPECT_FALSE(lets_in(host));
  EXPECT_EQ(host.view.firewall.status().value().modify, LocalPolicyModify::inbound_blocked);
}

TEST(Firewall, RuleOfAGroupPolicyIsNotChangedHere) {
  TestHost host(R"(changes { firewall { rules { rule_id: "Policy-Block" block: true by_policy: true } } })");
  EXPECT_FALSE(lets_in(host));
  EXPECT_EQ(host.control().firewall.set_enabled("Policy-Block", false).error().code, ErrorCode::denied);
}

TEST(Firewall, LocalRulesDoNothingUnderAPolicyThatIgnoresThem) {
  TestHost host(R"(changes { firewall { policy_override: true } })");
  EXPECT_FALSE(lets_in(host));
  ASSERT_TRUE(host.control().firewall.set_enabled(k_tcp_rule, true));
  EXPECT_FALSE(lets_in(host));
  host.change(
      R"(firewall { policy_override: true rules { rule_id: "RemoteDesktop-UserMode-In-TCP" by_policy: true } })");
  EXPECT_TRUE(lets_in(host));
}

TEST(Firewall, RuleForSomeAddressesDoesNotLetEverybodyIn) {
  TestHost host;
  host.injector().arm(1, Injection::outside_edit);
  ASSERT_TRUE(host.control().firewall.set_enabled(k_tcp_rule, true));
  EXPECT_FALSE(lets_in(host));
}

TEST(Firewall, ClientsComeInByTheProfileOfTheirInterface) {
  TestHost host;
  host.change(R"(firewall { rules { rule_id: "RemoteDesktop-UserMode-In-TCP" profiles: 1 } })");
  EXPECT_TRUE(lets_in(host));
  host.change(R"(firewall { interfaces { name: "Ethernet" profile: 4 carries_clients: true } })");
  EXPECT_FALSE(lets_in(host));
  EXPECT_EQ(host.view.firewall.status().value().active_profiles, k_profile_public);
}

TEST(Firewall, BlockAllCountsForItsProfileOnly) {
  TestHost host;
  host.change("firewall { block_all_profiles: 4 }");
  EXPECT_TRUE(lets_in(host));
  host.change("firewall { block_all_profiles: 1 }");
  EXPECT_FALSE(lets_in(host));
}

TEST(Firewall, WithoutItsServicesNothingGetsInAndItsStatusSaysSo) {
  for (const std::string name : {"BFE", "MpsSvc"}) {
    TestHost host;
    host.change("services { name: \"" + name + "\" running: false }");
    EXPECT_FALSE(lets_in(host)) << "measured.md F1";
    EXPECT_EQ(host.probe(Vantage::own_address).outcome(), v1::PROBE_OUTCOME_OK);
    EXPECT_FALSE(host.view.firewall.status().value().services_down.empty());
  }
}

TEST(Firewall, AConnectionSecurityRuleDropsClients) {
  TestHost host;
  host.change(R"(firewall { con_sec_rules { rule_id: "x" text: "v2.31|Action=Secure|Active=TRUE|" } })");
  EXPECT_FALSE(lets_in(host)) << "measured.md P1";
  EXPECT_EQ(host.view.firewall.security_rules().value().size(), 1U);
  host.change(R"(firewall { con_sec_rules { rule_id: "x" absent: true } })");
  EXPECT_TRUE(lets_in(host));
}

}  // namespace
}  // namespace rdpmend::sim
