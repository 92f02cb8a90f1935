#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent-lib/steps/step_kind.hpp"
#include "tests/engine/rehearsed_engine.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr const char* k_tcp = "RemoteDesktop-UserMode-In-TCP";
constexpr const char* k_udp = "RemoteDesktop-UserMode-In-UDP";

struct Bench {
  explicit Bench(const std::string& name = "healthy") : host(scenario(name), {}) { host.advance(10s); }

  std::optional<v1::Diagnosis> detect() { return fault().detect(host.control().view(), {}).value(); }
  v1::Plan plan() { return fault().plan(host.control().view(), detect().value()).value(); }
  const Fault& fault() const {
    for (const auto& each : faults) {
      if (each->id() == "firewall_rule_disabled") return *each;
    }
    throw std::logic_error("no such fault");
  }
  void disable(const std::string& rule_id) {
    v1::SimChange change;
    auto& rule = *change.mutable_firewall()->add_rules();
    rule.set_rule_id(rule_id);
    rule.set_enabled(false);
    host.change(change);
  }
  void set_dword(std::string_view key, const std::string& name, std::uint32_t number) {
    v1::SimChange change;
    auto& value = *change.add_registry();
    value.set_key("HKLM\\" + std::string(key));
    value.set_name(name);
    value.set_dword(number);
    host.change(change);
  }

  sim::SimHost host;
  std::vector<std::unique_ptr<Fault>> faults = make_faults();
};

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
  bench.set_dword(registry_key::k_policy, "SelectTransport", 1);
  EXPECT_FALSE(bench.detect());
}

TEST(FirewallRuleDisabled, ReportsARuleTurnedToBlock) {
  Bench bench("firewall-rule-blocked");
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_FALSE(diagnosis->repairable());
  EXPECT_EQ(bench.plan().rungs_size(), 0);
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

TEST(FirewallRuleDisabled, LeavesTheStockRulesOfAnotherPortAlone) {
  Bench bench;
  bench.disable(k_tcp);
  bench.set_dword(registry_key::k_rdp_tcp, "PortNumber", 4000);
  EXPECT_FALSE(bench.detect());
}

TEST(FirewallRuleDisabled, IsNoFaultWhereRemoteDesktopIsOff) {
  Bench bench("firewall-rule-disabled");
  bench.set_dword(registry_key::k_terminal_server, "fDenyTSConnections", 1);
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

}  // namespace
}  // namespace rdpmend::test
