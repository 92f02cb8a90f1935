// Whatever a scenario breaks, the check of that stage tells, and the others are answered all the same.
#include <gmock/gmock.h>

#include <algorithm>

#include "agent-lib/sim/scenarios.hpp"
#include "tests/checks/check_bench.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& each : sim::scenarios()) all.push_back(each.name());
  return all;
}

class ScenarioChecks : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(, ScenarioChecks, testing::ValuesIn(names()), [](const auto& test) {
  auto name = test.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST_P(ScenarioChecks, NameTheStageOfEveryFaultThatIsExpected) {
  const auto story = scenario(GetParam());
  CheckBench bench(story);
  bench.host.advance(1min);  // Nothing of a scenario comes later, and nothing heals by itself.
  const auto health = bench.health();
  ASSERT_EQ(health.checks_size(), static_cast<int>(checks::all().size()));
  const auto catalogue = Catalogue::built_in();
  for (const auto& incident : story.expect().present()) {
    const auto stage = catalogue.find_fault(incident.fault_id())->stage();
    const auto check = std::ranges::find_if(health.checks(), [&](const auto& each) { return each.stage() == stage; });
    EXPECT_EQ(check->answer(), v1::Check::ANSWER_FAULTY) << incident.fault_id() << ": " << check->ShortDebugString();
    // Some are hidden by others, and are found once those are repaired.
    EXPECT_FALSE(check->fault_ids().empty()) << check->ShortDebugString();
    for (const auto& id : check->fault_ids()) {
      EXPECT_TRUE(std::ranges::any_of(story.expect().present(), [&](const auto& one) { return one.fault_id() == id; }))
          << id;
    }
  }
  const bool expects = story.expect().present_size() > 0;
  EXPECT_EQ(health.answer(), expects ? v1::Check::ANSWER_FAULTY : v1::Check::ANSWER_HEALTHY) << health.DebugString();
}

// A fault that no check speaks of would be one that health does not see.
TEST(Catalogue, EveryFaultHasTheCheckOfItsStage) {
  const auto catalogue = Catalogue::built_in();
  for (const auto& fault : catalogue.faults()) {
    EXPECT_TRUE(std::ranges::any_of(checks::all(), [&](const auto& check) { return check.stage == fault.stage(); }))
        << fault.id();
  }
}

}  // namespace
}  // namespace rdpmend::test
