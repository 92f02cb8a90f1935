#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/faults/fault_bench.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string k_listener_disabled = "listener_disabled";

TEST(ListenerDisabled, IsAbsentOnAHealthyHostAndWhereRemoteDesktopIsOff) {
  FaultBench bench(k_listener_disabled, "healthy");
  EXPECT_FALSE(bench.detect());
  bench.set_registry(registry_key::k_rdp_tcp, "fEnableWinStation", 0);
  bench.set_registry(registry_key::k_terminal_server, "fDenyTSConnections", 1);
  EXPECT_FALSE(bench.detect());
}

TEST(ListenerDisabled, AValueThatIsAbsentIsNoFault) {
  FaultBench bench(k_listener_disabled, "healthy");
  bench.remove_registry(registry_key::k_rdp_tcp, "fLogonDisabled");
  EXPECT_FALSE(bench.detect());
}

TEST(ListenerDisabled, PlansTheOneValueByApproval) {
  FaultBench bench(k_listener_disabled, "healthy");
  bench.set_registry(registry_key::k_rdp_tcp, "fLogonDisabled", 1);
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_EQ(diagnosis->subject(), "fLogonDisabled");
  EXPECT_TRUE(diagnosis->ask_first());
  EXPECT_THAT(writes(bench.plan(*diagnosis)), testing::ElementsAre(HasSubstr("fLogonDisabled")));
}

TEST(ListenerDisabled, IsHealedOnceApproved) {
  sim::SimHost host(scenario("listener-disabled"), {});
  sim::MemoryJournal journal;
  RehearsedEngine engine(host, journal);
  ASSERT_TRUE(engine.run_until(
      [&] { return engine.in_state(k_listener_disabled, v1::INCIDENT_STATE_AWAITING_APPROVAL); }, 30min));
  EXPECT_FALSE(host.client_connects());
  EXPECT_TRUE(host.injector().calls().empty());
  engine.approve_what_waits();
  EXPECT_TRUE(
      engine.run_until([&] { return engine.in_state(k_listener_disabled, v1::INCIDENT_STATE_REPAIRED); }, 30min));
  EXPECT_TRUE(host.client_connects());
}

}  // namespace
}  // namespace rdpmend::test
