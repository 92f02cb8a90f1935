#include "agent-lib/rules/correlator.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <random>

#include "tests/rules/rule_text.hpp"

namespace rdpmend {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

struct Feed {
  v1::Rule rule;
  Correlator correlator;

  std::optional<v1::Signal> add(SteadyTime now, const std::string& key = {}, const std::string& computer = "RDS01") {
    auto event = schannel();
    event.computer = computer;
    event.record_id = ++record;
    event.time = WallTime{now};
    return correlator.add({&rule, {{"key", key}}}, event, now);
  }
  // Counts of the signals that a flush gives.
  std::vector<std::uint64_t> flush(SteadyTime now) {
    std::vector<std::uint64_t> counts;
    for (const auto& signal : correlator.flush(now)) counts.push_back(signal.count());
    return counts;
  }
  std::uint64_t record = 0;
};

Feed feed(const std::string& rule_text) {
  return {rule(rule_text), {}, 0};
}

TEST(Correlator, SignalsAtOnceAndSaysWhatItSaw) {
  auto one = feed("faults: 'certificate_expired' captures { as: 'key' name: 'K' }");
  const auto signal = one.add(5s, "value");
  ASSERT_TRUE(signal);
  EXPECT_EQ(signal->kind(), v1::Signal::KIND_EVENT);
  EXPECT_THAT(signal->fault_ids(), ElementsAre("certificate_expired"));
  EXPECT_EQ(signal->rule_id(), "a_rule");
  EXPECT_EQ(signal->channel(), "System");
  EXPECT_EQ(signal->provider(), "Schannel");
  EXPECT_EQ(signal->event_id(), 36870U);
  EXPECT_EQ(signal->event_record_id(), 1U);
  EXPECT_EQ(signal->event_time().seconds(), 5);
  EXPECT_EQ(signal->count(), 1U);
  EXPECT_EQ(signal->captures().at("key"), "value");
}

TEST(Correlator, FoldsTenThousandRepeatsIntoOneMoreSignal) {
  auto storm = feed("window { seconds: 60 }");
  int signals = 0;
  for (int i = 0; i < 10'000; ++i) signals += storm.add(1ms * i).has_value() ? 1 : 0;
  EXPECT_EQ(signals, 1);
  EXPECT_EQ(storm.correlator.next_flush(), SteadyTime(60s));
  EXPECT_THAT(storm.flush(60s - 1ns), IsEmpty());
  const auto folded = storm.correlator.flush(60s);
  ASSERT_EQ(folded.size(), 1U);
  EXPECT_EQ(folded[0].count(), 9'999U);
  EXPECT_EQ(folded[0].event_record_id(), 10'000U) << "the last one's";
  EXPECT_EQ(storm.correlator.next_flush(), std::nullopt);
  EXPECT_THAT(storm.flush(600s), IsEmpty());
  EXPECT_TRUE(storm.add(61s)) << "a new window";
}

TEST(Correlator, TakesTheDefaultWindowAndThreshold) {
  auto plain = feed("");
  EXPECT_TRUE(plain.add(0s));
  EXPECT_FALSE(plain.add(k_default_rule_window - 1ns));
  EXPECT_TRUE(plain.add(k_default_rule_window));
}

struct ThresholdCase {
  std::string name;
  std::vector<SteadyTime> matches;
  std::vector<std::size_t> signals_at;  // Index of the match that signals.
};

class Thresholds : public testing::TestWithParam<ThresholdCase> {};

TEST_P(Thresholds, CountMatchesInASlidingWindow) {
  auto three = feed("threshold: 3 window { seconds: 10 }");
  std::vector<std::size_t> signals;
  for (std::size_t i = 0; i < GetParam().matches.size(); ++i) {
    if (const auto signal = three.add(GetParam().matches[i])) {
      signals.push_back(i);
      EXPECT_EQ(signal->count(), 3U);
    }
  }
  EXPECT_EQ(signals, GetParam().signals_at);
}

INSTANTIATE_TEST_SUITE_P(
    All, Thresholds,
    testing::Values(ThresholdCase{"TooFew", {0s, 1s}, {}}, ThresholdCase{"AtOnce", {0s, 1s, 2s}, {2}},
                    ThresholdCase{"JustInside", {0s, 5s, 10s - 1ns}, {2}},
                    ThresholdCase{"JustOutside", {0s, 5s, 10s}, {}}, ThresholdCase{"Slides", {0s, 5s, 10s, 14s}, {3}},
                    ThresholdCase{"NeverDense", {0s, 6s, 12s, 18s, 24s, 30s}, {}},
                    ThresholdCase{"CountsAnewAfterTheWindow", {0s, 1s, 2s, 3s, 12s, 13s, 14s}, {2, 6}},
                    ThresholdCase{"CenturiesApart", {-8'000'000'000s, 7'000'000'000s, -8'000'000'000s}, {}},
                    ThresholdCase{"NewestFirst", {30s, 29s, 28s, 12s, 11s, 10s}, {2, 5}}),
    [](const auto& test) { return test.param.name; });

TEST(Correlator, KeepsGroupsApart) {
  auto grouped = feed("captures { as: 'key' name: 'K' } group_by: 'key' threshold: 2");
  EXPECT_FALSE(grouped.add(0s, "a"));
  EXPECT_FALSE(grouped.add(0s, "b"));
  EXPECT_FALSE(grouped.add(0s, "b", "OTHER")) << "another computer's events are another group";
  EXPECT_TRUE(grouped.add(1s, "a"));
  EXPECT_TRUE(grouped.add(1s, "b"));
}

TEST(Correlator, OneGroupWithoutGroupBy) {
  auto ungrouped = feed("captures { as: 'key' name: 'K' } threshold: 2");
  EXPECT_FALSE(ungrouped.add(0s, "a"));
  EXPECT_TRUE(ungrouped.add(0s, "b"));
}

TEST(Correlator, DoesNotLoseRepeatsWhenAFlushComesLate) {
  auto late = feed("window { seconds: 10 }");
  EXPECT_TRUE(late.add(0s));
  EXPECT_FALSE(late.add(1s));
  EXPECT_FALSE(late.add(2s));
  EXPECT_TRUE(late.add(20s));
  EXPECT_LE(*late.correlator.next_flush(), SteadyTime(20s));
  EXPECT_THAT(late.flush(20s), ElementsAre(2));
}

TEST(Correlator, GivesUpTheGroupUnseenForLongest) {
  auto many = feed("captures { as: 'key' name: 'K' } group_by: 'key' window { seconds: 3600 }");
  for (std::size_t i = 0; i < k_max_correlator_groups; ++i) EXPECT_TRUE(many.add(1s, std::to_string(i)));
  EXPECT_FALSE(many.add(2s, "0")) << "folded, and now the most recently seen";
  EXPECT_FALSE(many.add(2s, "1"));
  EXPECT_FALSE(many.add(2s, "0"));
  EXPECT_TRUE(many.add(3s, "new"));
  EXPECT_EQ(many.correlator.groups(), k_max_correlator_groups);
  EXPECT_FALSE(many.add(3s, "0")) << "still known";
  EXPECT_TRUE(many.add(3s, "2")) << "given up";
  EXPECT_THAT(many.flush(3s), IsEmpty()) << "what was given up had no repeats";

  for (std::size_t i = 0; i < k_max_correlator_groups; ++i) EXPECT_TRUE(many.add(4s, fmt::format("x{}", i)));
  EXPECT_THAT(many.flush(4s), ElementsAre(1, 3)) << "the repeats of 1, then of 0";
  EXPECT_EQ(many.correlator.groups(), k_max_correlator_groups);
}

TEST(Correlator, StaysBoundedAndCountsOnWhenNobodyFlushes) {
  auto storm = feed("captures { as: 'key' name: 'K' } group_by: 'key'");
  const std::uint64_t keys = 5 * k_max_correlator_groups;
  for (std::uint64_t i = 0; i < keys; ++i) {
    EXPECT_TRUE(storm.add(1s, std::to_string(i)));
    EXPECT_FALSE(storm.add(1s, std::to_string(i)));
  }
  const auto signals = storm.correlator.drain();
  EXPECT_LE(signals.size(), 2 * k_max_correlator_groups + 1);
  std::uint64_t total = 0;
  for (const auto& signal : signals) total += signal.count();
  EXPECT_EQ(total, keys);
  EXPECT_EQ(storm.correlator.groups(), 0U);
}

TEST(Correlator, DrainsWhatIsFoldedBeforeItsTime) {
  auto one = feed("");
  EXPECT_TRUE(one.add(0s));
  EXPECT_FALSE(one.add(1s));
  const auto drained = one.correlator.drain();
  ASSERT_EQ(drained.size(), 1U);
  EXPECT_EQ(drained[0].count(), 1U);
  EXPECT_THAT(one.correlator.drain(), IsEmpty());
}

// The same rules written the obvious way: every match is kept, and every question is answered by looking at all of
// them.
class NaiveGroup {
 public:
  NaiveGroup(std::size_t threshold, Duration window) : threshold_(threshold), window_(window) {}

  // Count of the signal, 0 for none.
  std::uint64_t add(SteadyTime now) {
    if (!signals_.empty() && now - signals_.back() < window_) {
      ++folded_;
      return 0;
    }
    matches_.push_back(now);
    std::size_t dense = 0;
    for (const auto match : matches_) {
      const bool used = !signals_.empty() && match <= signals_.back();
      if (!used && now - match < window_) ++dense;
    }
    if (dense < threshold_) return 0;
    // Matches of one moment with the signal belong to it: the test uses a moment once per group.
    signals_.push_back(now);
    return dense;
  }
  std::uint64_t flush(SteadyTime now) {
    if (folded_ == 0 || now - signals_.back() < window_) return 0;
    return std::exchange(folded_, 0);
  }

 private:
  std::size_t threshold_;
  Duration window_;
  std::vector<SteadyTime> matches_;
  std::vector<SteadyTime> signals_;
  std::uint64_t folded_ = 0;
};

TEST(Correlator, AgreesWithANaiveModel) {
  const auto seed = static_cast<unsigned>(testing::UnitTest::GetInstance()->random_seed());
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    const auto threshold = 1 + random() % 4;
    const auto window = 1s * (1 + random() % 20);
    auto real =
        feed(fmt::format("captures {{ as: 'key' name: 'K' }} group_by: 'key' threshold: {} window {{ seconds: {} }}",
                         threshold, window.count()));
    std::map<std::string, NaiveGroup> naive;
    SteadyTime now{};
    for (int i = 0; i < 300; ++i) {
      now += 1ms * (1 + random() % 4000);
      std::vector<std::uint64_t> expected;
      for (auto& [key, group] : naive) {
        if (const auto count = group.flush(now); count > 0) expected.push_back(count);
      }
      ASSERT_THAT(real.flush(now), testing::UnorderedElementsAreArray(expected)) << round << " " << i;
      const std::string key(1, static_cast<char>('a' + random() % 3));
      const auto signal = real.add(now, key);
      const auto count = naive.try_emplace(key, threshold, window).first->second.add(now);
      ASSERT_EQ(signal ? signal->count() : 0, count) << round << " " << i;
    }
  }
}

}  // namespace
}  // namespace rdpmend
