// For each fault: every mutating call goes wrong in every way, and the world ends after every single journal write.
// Each time the host must end as the scenario expects, as it was with what was begun undone, or with an incident that
// says why it could not be put back.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "agent-lib/sim/fault_injector.hpp"
#include "agent-lib/sim/scenarios.hpp"
#include "tests/fault_sweep/sweep.hpp"

namespace rdpmend::test {
namespace {

std::vector<std::string> faulty_scenarios() {
  std::vector<std::string> names;
  for (const auto& scenario : sim::scenarios()) {
    if (scenario.expect().present_size() > 0) names.push_back(scenario.name());
  }
  return names;
}

std::uint64_t seed_of_today() {
  static const std::uint64_t seed = [] {
    const char* given = std::getenv("RDPMEND_SEED");
    const auto value = given != nullptr ? std::stoull(given) : std::random_device{}();
    fmt::print("seed {} (repeat with RDPMEND_SEED={})\n", value, value);
    return value;
  }();
  return seed;
}

// The judge is judged first: an engine that does nothing must not pass.
TEST(Sweep, IsNotContentWithAHostThatNobodyLookedAt) {
  Sweep sweep("firewall-rule-disabled", 1);
  EXPECT_THAT(sweep.complaint(), testing::HasSubstr("is not found"));
  sweep.arm(1, sim::Injection::denied);
  EXPECT_THAT(sweep.complaint(), testing::HasSubstr("was never made"));
}

TEST(Sweep, IsNotContentWithAnIncidentThatWasEscalatedUntouched) {
  for (const bool crashes : {false, true}) {
    Sweep sweep("firewall-rule-disabled", 1);
    if (crashes) {
      sweep.journal().crash_after_append(1);
      sweep.run_until_crash();
    }
    std::vector<v1::JournalEntry> entries(2);
    entries[0].mutable_incident_opened()->mutable_diagnosis()->set_fault_id("firewall_rule_disabled");
    ASSERT_TRUE(sweep.journal().append(entries, std::nullopt));
    entries[1].set_incident_id(entries[0].seq());
    entries[1].mutable_incident_state_changed()->set_to(v1::INCIDENT_STATE_ESCALATED);
    std::vector escalated{entries[1]};
    ASSERT_TRUE(sweep.journal().append(escalated, std::nullopt));
    EXPECT_THAT(sweep.complaint(), testing::HasSubstr(crashes ? "nothing was tried" : "not repaired"));
  }
}

class FaultSweep : public testing::TestWithParam<std::string> {};

TEST_P(FaultSweep, EndsWellUndisturbed) {
  Sweep sweep(GetParam(), seed_of_today());
  sweep.run();
  EXPECT_EQ(sweep.complaint(), "");
}

TEST_P(FaultSweep, EndsWellWhateverCallGoesWrong) {
  const auto seed = seed_of_today();
  Sweep undisturbed(GetParam(), seed);
  undisturbed.run();
  const auto calls = undisturbed.host().injector().calls().size();
  for (std::uint64_t call = 1; call <= calls; ++call) {
    for (const auto injection : sim::k_all_injections) {
      Sweep sweep(GetParam(), seed);
      sweep.arm(call, injection);
      sweep.run();
      EXPECT_EQ(sweep.complaint(), "") << GetParam() << ", call " << call << " ("
                                       << undisturbed.host().injector().calls().at(call - 1) << ") "
                                       << sim::to_string(injection) << ", seed " << seed;
    }
  }
}

TEST_P(FaultSweep, EndsWellWhenTheWorldEndsAfterAnyJournalWrite) {
  const auto seed = seed_of_today();
  Sweep undisturbed(GetParam(), seed);
  undisturbed.run();
  const auto writes = undisturbed.journal().appends();
  ASSERT_GE(writes, 3u);
  for (std::uint64_t write = 1; write <= writes; ++write) {
    Sweep sweep(GetParam(), seed);
    sweep.journal().crash_after_append(write);
    sweep.run();
    EXPECT_EQ(sweep.crashes(), 1) << "write " << write;
    EXPECT_EQ(sweep.complaint(), "") << GetParam() << ", journal write " << write << ", seed " << seed;
  }
}

// A crash during the recovery from a crash.
TEST_P(FaultSweep, EndsWellWhenTheWorldEndsTwice) {
  const auto seed = seed_of_today();
  Sweep undisturbed(GetParam(), seed);
  undisturbed.run();
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::uint64_t> any_write(1, undisturbed.journal().appends());
  for (int round = 0; round < 20; ++round) {
    const auto first = any_write(random);
    const auto second = any_write(random);
    Sweep sweep(GetParam(), seed);
    sweep.journal().crash_after_append(first);
    sweep.run_until_crash();
    sweep.journal().crash_after_append(second);
    sweep.run();
    EXPECT_EQ(sweep.complaint(), "") << GetParam() << ", journal writes " << first << " and " << second << ", seed "
                                     << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(, FaultSweep, testing::ValuesIn(faulty_scenarios()), [](const auto& instance) {
  std::string name = instance.param;
  for (auto& c : name) {
    if (c == '-') c = '_';
  }
  return name;
});

}  // namespace
}  // namespace rdpmend::test
