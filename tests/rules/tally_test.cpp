#include "agent-lib/rules/tally.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/rules/rule_text.hpp"

namespace rdpmend {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

struct Counted {
  explicit Counted(const std::string& more = {})
      : rule(rdpmend::rule("effect: RULE_EFFECT_COUNTS window { seconds: 3600 } group_by: 'source' captures { as: "
                           "'source' name: 'S' } captures { as: 'user' name: 'U' } " +
                           more)) {}

  bool add(SteadyTime now, const std::string& source = "a", const std::string& user = {}) {
    return tally.add({{"source", source}, {"user", user}}, now, WallTime{now}, now);
  }
  std::uint64_t count(SteadyTime now, const std::string& source = "a") const {
    for (const auto& group : tally.snapshot(now).groups) {
      if (group.of("source") == source) return group.count;
    }
    return 0;
  }

  v1::Rule rule;
  Tally tally{rule};
};

TEST(Tally, CountsByGroupTheLargestFirst) {
  Counted counted;
  counted.add(1s, "a");
  for (int i = 0; i < 3; ++i) counted.add(2s, "b");
  const auto seen = counted.tally.snapshot(3s);
  ASSERT_EQ(seen.groups.size(), 2U);
  EXPECT_EQ(seen.groups[0].of("source"), "b");
  EXPECT_EQ(seen.groups[0].count, 3U);
  EXPECT_EQ(seen.groups[0].last, WallTime{2s});
  EXPECT_EQ(seen.groups[1].count, 1U);
  EXPECT_EQ(seen.total, 4U);
  EXPECT_FALSE(seen.at_least);
}

TEST(Tally, ForgetsWhatTheWindowNoLongerHolds) {
  Counted counted;
  counted.add(0s);
  counted.add(30min);
  EXPECT_EQ(counted.count(58min), 2U);
  EXPECT_EQ(counted.count(61min), 1U);
  EXPECT_EQ(counted.count(91min), 0U);
  EXPECT_TRUE(counted.tally.snapshot(91min).groups.empty());
}

TEST(Tally, SlidesOverTimesBeforeTheHostsStart) {
  Counted counted;
  EXPECT_FALSE(counted.tally.add({{"source", "a"}}, -2h, {}, 0s));
  counted.tally.add({{"source", "a"}}, -50min, {}, 0s);
  counted.tally.add({{"source", "a"}}, -1ns, {}, 0s);
  EXPECT_EQ(counted.count(0s), 2U);
  EXPECT_EQ(counted.count(11min), 1U);
}

TEST(Tally, RemembersEveryEventOfAStormInTheSameRoom) {
  Counted counted;
  for (int i = 0; i < 100'000; ++i) counted.add(i * 10ms);
  EXPECT_EQ(counted.count(1000s), 100'000U);
}

TEST(Tally, SaysOnceThatAGroupHasReachedTheThreshold) {
  Counted counted("threshold: 3");
  EXPECT_FALSE(counted.add(1s));
  EXPECT_FALSE(counted.add(2s));
  EXPECT_TRUE(counted.add(3s));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(counted.add(3s + i * 1s));
  EXPECT_FALSE(counted.add(3h));
  EXPECT_FALSE(counted.add(3h));
  EXPECT_TRUE(counted.add(3h)) << "it was over in between";
}

TEST(Tally, ManyGroupsThatReachItMakeNoMoreSignalsThanTheBound) {
  Counted counted("threshold: 2");
  int signals = 0;
  for (int i = 0; i < 600; ++i) {
    counted.add(i * 1s, fmt::format("{}", i));
    signals += counted.add(i * 1s, fmt::format("{}", i)) ? 1 : 0;
  }
  EXPECT_EQ(signals, 600s / k_between_tally_signals);
}

TEST(Tally, GivesUpTheGroupNotSeenForLongestAndSaysSo) {
  Counted counted;
  counted.add(1s, "first");
  counted.add(2s, "second");
  counted.add(3s, "first");
  for (std::size_t i = 2; i < k_max_tally_groups; ++i) counted.add(4s, fmt::format("{}", i));
  EXPECT_FALSE(counted.tally.snapshot(5s).at_least);
  counted.add(5s, "one more");
  EXPECT_EQ(counted.tally.groups(), k_max_tally_groups);
  EXPECT_EQ(counted.count(5s, "first"), 2U);
  EXPECT_EQ(counted.count(5s, "second"), 0U);
  EXPECT_TRUE(counted.tally.snapshot(5s).at_least);
  EXPECT_EQ(counted.tally.snapshot(5s).total, k_max_tally_groups + 2);
  EXPECT_FALSE(counted.tally.snapshot(2h).at_least) << "nothing that it has lost would be in the window";
}

TEST(Tally, AGroupThatHasLeftTheWindowIsGivenUpInSilence) {
  Counted counted;
  for (std::size_t i = 0; i < k_max_tally_groups; ++i) counted.add(1s, fmt::format("{}", i));
  counted.add(2h, "new");
  EXPECT_FALSE(counted.tally.snapshot(2h).at_least);
}

TEST(Tally, KeepsTheNewestValuesOfTheOtherCaptures) {
  Counted counted;
  counted.add(1s, "a", "anna");
  counted.add(2s, "a", "bob");
  counted.add(3s, "a", "anna");
  EXPECT_THAT(counted.tally.snapshot(4s).groups[0].values.at("user"), ElementsAre("bob", "anna"));
  EXPECT_FALSE(counted.tally.snapshot(4s).groups[0].more_values);
  for (std::size_t i = 0; i < k_max_tally_values; ++i) counted.add(5s, "a", fmt::format("{}", i));
  const auto group = counted.tally.snapshot(6s).groups[0];
  EXPECT_EQ(group.values.at("user").size(), k_max_tally_values);
  EXPECT_TRUE(group.more_values);
}

TEST(Tally, KeepsNoMoreOfAHostileValueThanTheBound) {
  Counted counted;
  counted.add(1s, std::string(100'000, 's'), std::string(100'000, 'u'));
  const auto group = counted.tally.snapshot(1s).groups[0];
  EXPECT_LE(group.of("source").size(), k_max_tally_value_bytes);
  EXPECT_LE(group.values.at("user")[0].size(), k_max_tally_value_bytes);
}

}  // namespace
}  // namespace rdpmend
