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
  Status set_enabled(std::string_view rule_id, bool enabled) override {
    return firewall_.set_enabled(rule_id, enabled);
  }

 private:
  Firewall& firewall_;
  FirewallRule rule_;
};

struct Bench {
  explicit Bench(const std::string& name = "healthy") : host(scenario(name), {}) { host.advance(10s); }

  std::optional<v1::Diagnosis> detect() { return fault().detect(host.control().view(), {}).value(); }
  std::optional<v1::Diagnosis> detect_with(FirewallRule rule) {
    const auto control = host.control();
    const OneRuleMore firewall(control.firewall, std::move(rule));
    const auto view = control.view();
    const HostView with_rule{view.identity,  view.clock,    view.events, view.registry, view.certificates,
                             view.key_files, view.services, firewall,    view.sessions, view.listener};
    return fault().detect(with_rule, {}).value();
  }
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
