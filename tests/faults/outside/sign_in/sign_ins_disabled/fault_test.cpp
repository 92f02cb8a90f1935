#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/faults/fault_bench.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string k_sign_ins_disabled = "sign_ins_disabled";

TEST(SignInsDisabled, IsAbsentOnAHealthyHost) {
  FaultBench bench(k_sign_ins_disabled, "healthy");
  EXPECT_FALSE(bench.detect());
  bench.set_registry(registry_key::k_winlogon, "WinStationsDisabled", "0");
  EXPECT_FALSE(bench.detect());
}

TEST(SignInsDisabled, PlansTheOneValueByApproval) {
  FaultBench bench(k_sign_ins_disabled, "healthy");
  bench.set_registry(registry_key::k_winlogon, "WinStationsDisabled", "1");
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_TRUE(diagnosis->ask_first());
  EXPECT_THAT(writes(bench.plan(*diagnosis)), testing::ElementsAre(HasSubstr("WinStationsDisabled")));
}

// Long before the next sweep.
TEST(SignInsDisabled, IsFoundWhenItsOwnEventTells) {
  sim::SimHost host(scenario("sign-ins-disabled"), {});
  sim::MemoryJournal journal;
  RehearsedEngine engine(host, journal);
  EXPECT_TRUE(engine.run_until(
      [&] { return engine.in_state(k_sign_ins_disabled, v1::INCIDENT_STATE_AWAITING_APPROVAL); }, 1min));
}

}  // namespace
}  // namespace rdpmend::test
