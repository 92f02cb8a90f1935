// The scenarios that are compiled in: each says the truth about itself.
#include <set>

#include "agent-lib/sim/scenarios.hpp"
#include "tests/sim/sim_test_support.hpp"

namespace rdpmend::sim {
namespace {

using namespace std::chrono_literals;

TEST(Scenarios, HaveUniqueNamesAndWordsForPeople) {
  std::set<std::string> names;
  for (const auto& scenario : scenarios()) {
    EXPECT_TRUE(names.insert(scenario.name()).second) << scenario.name();
    EXPECT_TRUE(std::regex_match(scenario.name(), std::regex("[a-z-]+"))) << scenario.name();
    EXPECT_FALSE(scenario.title().empty() || scenario.description().empty()) << scenario.name();
    EXPECT_TRUE(scenario.has_expect()) << scenario.name();
  }
  EXPECT_GE(names.size(), 11U);
}

TEST(Scenarios, AreFoundByNameOrTheNamesAreTold) {
  EXPECT_EQ(find_scenario("healthy")->title(), "A healthy host");
  const auto missing = find_scenario("nonsense");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_NE(missing.error().hint.find("certificate-expired"), std::string::npos);
}

class EveryScenario : public testing::TestWithParam<v1::Scenario> {};
INSTANTIATE_TEST_SUITE_P(Scenarios, EveryScenario, testing::ValuesIn(scenarios()),
                         [](const auto& test) { return std::regex_replace(test.param.name(), std::regex("-"), "_"); });

// Nobody repairs it, so what is wrong must stay wrong: else there is nothing to rehearse.
TEST_P(EveryScenario, GoesWrongAndDoesNotHealByItself) {
  const auto& scenario = GetParam();
  SimHost host(scenario, {});
  std::vector<std::string> stories;
  host.set_on_story([&](const std::string& story) { stories.push_back(story); });
  host.advance(1min);
  EXPECT_EQ(stories.size(), static_cast<std::size_t>(scenario.changes_size()));
  const auto broken = host.fingerprint();
  host.advance(1h);
  EXPECT_EQ(host.fingerprint(), broken);
}

// What a scenario says that a repair changes is there to be changed.
TEST_P(EveryScenario, NamesWhatARepairChangesOnlyIfThereIsARepair) {
  const auto& expect = GetParam().expect();
  const bool repaired = std::ranges::any_of(expect.present(), [](const v1::Expect::Incident& incident) {
    return incident.ends() == v1::INCIDENT_STATE_REPAIRED || incident.ends_approved() == v1::INCIDENT_STATE_REPAIRED;
  });
  EXPECT_EQ(repaired, expect.leaves_changed_size() > 0);
  for (const auto& incident : expect.present()) {
    EXPECT_NE(incident.ends(), incident.ends_approved()) << incident.fault_id() << ": said twice";
  }
}

}  // namespace
}  // namespace rdpmend::sim
