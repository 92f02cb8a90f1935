// How the healthy host is comes into the journal, and what hangs on it.
#include "agent-lib/engine/baseline.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/engine/rehearsed_engine.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* k_rule = "RemoteDesktop-UserMode-In-TCP";
constexpr const char* k_firewall_fault = "firewall_rule_disabled";

struct Healthy {
  explicit Healthy(const std::string& name = "healthy") : host(scenario(name), {}) {
    engine = std::make_unique<RehearsedEngine>(host, journal);
  }

  std::vector<v1::Baseline> taken() const {
    std::vector<v1::Baseline> result;
    for (const auto& entry : all_entries(journal)) {
      if (entry.has_baseline_taken()) result.push_back(entry.baseline_taken().baseline());
    }
    return result;
  }
  void disable_rule() {
    v1::SimChange change;
    auto& rule = *change.mutable_firewall()->add_rules();
    rule.set_rule_id(k_rule);
    rule.set_enabled(false);
    host.change(change);
  }
  void set_remote_desktop(bool allowed) {
    v1::SimChange change;
    auto& value = *change.add_registry();
    value.set_key("HKLM\\" + std::string(registry_key::k_terminal_server));
    value.set_name("fDenyTSConnections");
    value.set_dword(allowed ? 0 : 1);
    host.change(change);
  }

  sim::SimHost host;
  sim::MemoryJournal journal;
  std::unique_ptr<RehearsedEngine> engine;
};

TEST(Baseline, IsTakenAtTheFirstLookAtAHealthyHost) {
  Healthy world;
  world.engine->run_for(1min);
  const auto taken = world.taken();
  ASSERT_EQ(taken.size(), 1u);
  const auto& rules = taken[0].enabled_firewall_rules();
  EXPECT_NE(std::find(rules.begin(), rules.end(), k_rule), rules.end());
  const auto& services = taken[0].services();
  const auto term_service = std::find_if(services.begin(), services.end(),
                                         [](const auto& service) { return service.name() == "TermService"; });
  ASSERT_NE(term_service, services.end());
  EXPECT_EQ(term_service->start_type(), v1::SERVICE_START_TYPE_MANUAL);
  const auto& settings = taken[0].settings();
  const auto port = std::find_if(settings.begin(), settings.end(),
                                 [](const auto& value) { return value.setting() == v1::SETTING_PORT_NUMBER; });
  ASSERT_NE(port, settings.end());
  EXPECT_EQ(port->state().number(), 3389u);
}

TEST(Baseline, IsNotTakenOfAHostWithAFaultOrWithoutRemoteDesktop) {
  Healthy faulty("firewall-rule-disabled");
  faulty.host.advance(2min);
  faulty.disable_rule();
  faulty.engine->run_for(1s);
  EXPECT_TRUE(faulty.taken().empty());

  Healthy off;
  off.set_remote_desktop(false);
  off.engine->run_for(1h);
  EXPECT_TRUE(off.taken().empty());
}

TEST(Baseline, OfAnUnchangedHostIsWrittenTwiceADay) {
  Healthy world;
  world.engine->run_for(48h);
  EXPECT_GE(world.taken().size(), 4u);
  EXPECT_LE(world.taken().size(), 5u);
}

TEST(Baseline, IsTakenAgainWhenTheHealthyHostWasChanged) {
  Healthy world;
  world.engine->run_for(1min);
  v1::SimChange change;
  auto& service = *change.add_services();
  service.set_name("UmRdpService");
  service.set_start_type(v1::SERVICE_START_TYPE_AUTO);
  world.host.change(change);
  world.engine->run_for(1h);
  const auto taken = world.taken();
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_NE(taken[0].DebugString(), taken[1].DebugString());
}

TEST(Baseline, IsTakenOnceARepairHasStoodItsProbation) {
  Healthy world("firewall-rule-disabled");
  ASSERT_TRUE(world.engine->run_until(
      [&] { return world.engine->in_state(k_firewall_fault, v1::INCIDENT_STATE_REPAIRED); }, 5min));
  const auto before = world.taken().size();
  world.engine->run_for(10min);
  EXPECT_GE(world.taken().size(), before);
  EXPECT_EQ(world.taken().back().enabled_firewall_rules_size(), world.taken().front().enabled_firewall_rules_size());
}

TEST(Baseline, OfBeforeARestartLetsARuleBeEnabledUnasked) {
  Healthy world;
  world.engine->run_for(1min);
  world.engine.reset();  // As killed: nothing is said to the journal.
  world.disable_rule();
  world.engine = std::make_unique<RehearsedEngine>(world.host, world.journal);
  EXPECT_TRUE(world.engine->run_until(
      [&] { return world.engine->in_state(k_firewall_fault, v1::INCIDENT_STATE_REPAIRED); }, 5min));
}

}  // namespace
}  // namespace rdpmend::test
