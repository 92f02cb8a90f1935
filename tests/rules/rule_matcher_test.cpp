#include "agent-lib/rules/rule_matcher.hpp"

#include <gmock/gmock.h>

#include "tests/rules/rule_text.hpp"

namespace rdpmend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

bool matches(const v1::Rule& one, const EventRecord& event) {
  const std::vector<v1::Rule> rules{one};
  return !RuleMatcher(rules).match(event).empty();
}

TEST(RuleMatcher, ComparesChannelAndProviderWithoutCase) {
  auto event = schannel();
  EXPECT_TRUE(matches(rule(), event));
  event.provider = "SCHANNEL";
  event.channel = "system";
  EXPECT_TRUE(matches(rule(), event));
  event.provider = "Schannel2";
  EXPECT_FALSE(matches(rule(), event));
}

TEST(RuleMatcher, AsksForTheRulesChannelAndIds) {
  auto event = schannel();
  event.channel = "Application";
  EXPECT_FALSE(matches(rule(), event));
  event.channel = "";
  EXPECT_TRUE(matches(rule(), event)) << "an export without Channel";
  event.event_id = 36871;
  EXPECT_FALSE(matches(rule(), event));
  EXPECT_TRUE(matches(rule("event_ids: [36870, 36871]"), event));
}

TEST(RuleMatcher, GivesEveryMatchingRuleInTheirOrder) {
  const std::vector<v1::Rule> rules{rule("id: 'b'"), rule("id: 'other' provider: 'X'"), rule("id: 'a'")};
  std::vector<std::string> ids;
  for (const auto& match : RuleMatcher(rules).match(schannel())) ids.push_back(match.rule->id());
  EXPECT_THAT(ids, ElementsAre("b", "a"));
}

struct PredicateCase {
  std::string name;
  std::string predicate;
  bool holds;
};

class Predicates : public testing::TestWithParam<PredicateCase> {};

TEST_P(Predicates, AreTestedOnTheEventsFields) {
  const auto event =
      schannel({{"RuleId", "RemoteDesktop-UserMode-In-TCP"}, {"", "first"}, {"Empty", ""}, {"", "second"}});
  EXPECT_EQ(matches(rule("where { " + GetParam().predicate + " }"), event), GetParam().holds) << GetParam().predicate;
}

INSTANTIATE_TEST_SUITE_P(
    All, Predicates,
    testing::Values(
        PredicateCase{"Equals", "name: 'RuleId' equals: 'RemoteDesktop-UserMode-In-TCP'", true},
        PredicateCase{"EqualsIgnoresCase", "name: 'ruleid' equals: 'remotedesktop-usermode-in-tcp'", true},
        PredicateCase{"EqualsIsWhole", "name: 'RuleId' equals: 'RemoteDesktop'", false},
        PredicateCase{"EqualsEmpty", "name: 'Empty' equals: ''", true},
        PredicateCase{"EqualsOfAbsent", "name: 'Nothing' equals: ''", false},
        PredicateCase{"NotEquals", "name: 'RuleId' not_equals: 'x'", true},
        PredicateCase{"NotEqualsSame", "name: 'RuleId' not_equals: 'REMOTEDESKTOP-USERMODE-IN-TCP'", false},
        PredicateCase{"NotEqualsOfAbsent", "name: 'Nothing' not_equals: 'x'", true},
        PredicateCase{"StartsWith", "name: 'RuleId' starts_with: 'remotedesktop-'", true},
        PredicateCase{"StartsWithLonger", "name: 'RuleId' starts_with: 'RemoteDesktop-UserMode-In-TCP-2'", false},
        PredicateCase{"Contains", "name: 'RuleId' contains: 'usermode'", true},
        PredicateCase{"ContainsNot", "name: 'RuleId' contains: 'shadow'", false},
        PredicateCase{"AnyOf", "name: 'RuleId' any_of { values: 'x' values: 'REMOTEDESKTOP-UserMode-In-TCP' }", true},
        PredicateCase{"AnyOfNone", "name: 'RuleId' any_of { values: 'x' values: 'y' }", false},
        PredicateCase{"Present", "name: 'Empty' present: true", true},
        PredicateCase{"PresentOfAbsent", "name: 'Nothing' present: true", false},
        PredicateCase{"NotPresent", "name: 'Nothing' present: false", true},
        PredicateCase{"NotPresentButIs", "name: 'RuleId' present: false", false},
        PredicateCase{"Position", "position: 2 equals: 'second'", true},
        PredicateCase{"PositionCountsUnnamedOnly", "position: 1 equals: 'first'", true},
        PredicateCase{"PositionBeyond", "position: 3 present: true", false},
        PredicateCase{"NoTest", "name: 'RuleId'", false}),
    [](const auto& test) { return test.param.name; });

TEST(RuleMatcher, NeedsEveryPredicate) {
  const auto event = schannel({{"A", "1"}, {"B", "2"}});
  EXPECT_TRUE(matches(rule("where { name: 'A' equals: '1' } where { name: 'B' equals: '2' }"), event));
  EXPECT_FALSE(matches(rule("where { name: 'A' equals: '1' } where { name: 'B' equals: '3' }"), event));
}

TEST(RuleMatcher, CapturesByNamePositionAndBinary) {
  auto event = schannel({{"", "one"}, {"ErrorCode", "0x8009030D"}, {"", "two"}});
  event.binary = "00FF";
  const std::vector<v1::Rule> rules{
      rule("captures { as: 'code' name: 'errorcode' } captures { as: 'second' position: 2 } "
           "captures { as: 'bytes' binary: true } captures { as: 'absent' name: 'No' }")};
  const auto found = RuleMatcher(rules).match(event);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].captures, ElementsAre(Pair("bytes", "00FF"), Pair("code", "0x8009030D"), Pair("second", "two")));
}

TEST(RuleMatcher, TellsLoopbackFromEveryOtherAddress) {
  const auto loopback = rule("where { name: 'ClientIP' loopback: true }");
  for (const auto* client : {"127.0.0.1:50123", "[::1]:50123", "127.9.9.9", "::ffff:127.0.0.1", "::%16777216"})
    EXPECT_TRUE(matches(loopback, schannel({{"ClientIP", client}}))) << client;
  for (const auto* client : {"10.127.0.1:50123", "[2001:db8::1]:127", "LOCAL", "-", "", "127.0.0.1.example"})
    EXPECT_FALSE(matches(loopback, schannel({{"ClientIP", client}}))) << client;
  EXPECT_FALSE(matches(loopback, schannel()));
  EXPECT_TRUE(matches(rule("where { name: 'ClientIP' loopback: false }"), schannel({{"ClientIP", "LOCAL"}})));
}

TEST(RuleMatcher, CapturesAnAddressInOneFormAndWhatIsNoneAsItIs) {
  const std::vector<v1::Rule> rules{rule("captures { as: 'source' name: 'ClientIP' address: true }")};
  const RuleMatcher matcher(rules);
  const auto captured = [&](const std::string& client) {
    return matcher.match(schannel({{"ClientIP", client}})).at(0).captures.at("source");
  };
  EXPECT_EQ(captured("[::ffff:192.0.2.7]:50123"), "192.0.2.7");
  EXPECT_EQ(captured("192.0.2.7:50124"), "192.0.2.7");
  EXPECT_EQ(captured("LOCAL"), "LOCAL");
}

TEST(RuleMatcher, CutsALongCaptureBetweenCharacters) {
  const std::vector<v1::Rule> rules{rule("captures { as: 'v' name: 'V' }")};
  const RuleMatcher matcher(rules);
  for (std::size_t shift = 0; shift < 3; ++shift) {
    std::string value(shift, 'x');
    while (value.size() < 5000) value += "\u20AC";
    const auto captured = matcher.match(schannel({{"V", value}})).at(0).captures.at("v");
    EXPECT_LE(captured.size(), k_max_capture_bytes);
    EXPECT_GT(captured.size(), k_max_capture_bytes - 3);
    EXPECT_EQ((captured.size() - shift) % 3, 0U);
  }
}

TEST(RuleMatcher, FindsNothingWithoutRules) {
  const std::vector<v1::Rule> none;
  EXPECT_THAT(RuleMatcher(none).match(schannel()), IsEmpty());
}

}  // namespace
}  // namespace rdpmend
