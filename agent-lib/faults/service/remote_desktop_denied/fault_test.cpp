#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/faults/fault_bench.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string k_denied = "remote_desktop_denied";

TEST(RemoteDesktopDenied, IsAbsentWhereRemoteDesktopIsOn) {
  EXPECT_FALSE(FaultBench(k_denied, "healthy").detect());
}

TEST(RemoteDesktopDenied, WhatAPolicyDecidesIsNoFaultEitherWay) {
  for (const std::uint32_t by_policy : {0u, 1u}) {
    FaultBench bench(k_denied, "healthy");
    bench.set_registry(registry_key::k_terminal_server, "fDenyTSConnections", 1);
    bench.set_registry(registry_key::k_policy, "fDenyTSConnections", by_policy);
    EXPECT_FALSE(bench.detect()) << by_policy;
  }
}

TEST(RemoteDesktopDenied, IsNeverSwitchedOnUnasked) {
  sim::SimHost host(scenario("remote-desktop-off"), {});
  sim::MemoryJournal journal;
  v1::PolicyConfig policy;
  policy.add_faults()->set_fault_id(k_denied);
  policy.mutable_faults(0)->set_mode(v1::FAULT_MODE_AUTO);
  RehearsedEngine engine(host, journal, policy);
  ASSERT_TRUE(engine.run_until([&] { return engine.in_state(k_denied, v1::INCIDENT_STATE_AWAITING_APPROVAL); }, 30min));
  EXPECT_TRUE(host.injector().calls().empty());
  EXPECT_EQ(engine.incidents(), 1u) << "while it is off nothing else is a fault";
}

TEST(RemoteDesktopDenied, ProvesThatTheListenerListensAgain) {
  FaultBench bench(k_denied, "healthy");
  EXPECT_EQ(bench.verify().result(), v1::Verdict::RESULT_REPAIRED);
  bench.set_registry(registry_key::k_terminal_server, "fDenyTSConnections", 1);
  EXPECT_EQ(bench.verify().result(), v1::Verdict::RESULT_NOT_REPAIRED);
}

}  // namespace
}  // namespace rdpmend::test
