#include "agent-lib/rules/catalogue.hpp"
#include "tests/paths.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>

#include "agent-lib/rules/fault_order.hpp"
#include "agent-lib/rules/rule_check.hpp"
#include "agent-lib/rules/site_file.hpp"
#include "tests/rules/rule_text.hpp"

namespace rdpmend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// --- what is compiled in ---

TEST(BuiltInCatalogue, HasEveryFaultFolder) {
  std::set<std::string> folders;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(test::source_dir() + "/agent-lib/faults")) {
    if (std::filesystem::exists(entry.path() / "fault.textproto")) folders.insert(entry.path().filename().string());
  }
  const auto catalogue = Catalogue::built_in();
  std::set<std::string> ids;
  for (const auto& fault : catalogue.faults()) ids.insert(fault.id());
  EXPECT_EQ(ids, folders);
  EXPECT_FALSE(ids.empty());
}

TEST(BuiltInCatalogue, PassesTheChecksThatSiteRulesPass) {
  const auto catalogue = Catalogue::built_in();
  EXPECT_THAT(check_faults(catalogue.faults(), catalogue.rules()), IsEmpty());
  KnownIds known;
  for (const auto& fault : catalogue.faults()) known.faults.insert(fault.id());
  for (const auto& one : catalogue.rules()) {
    for (const auto& problem : check_rule(one, known)) ADD_FAILURE() << one.id() << ": " << problem.message;
    EXPECT_FALSE(one.why().empty()) << one.id();
    EXPECT_TRUE(known.rules.insert(one.id()).second);
  }
}

TEST(BuiltInCatalogue, PutsTheClockBeforeTheCertificate) {
  const auto catalogue = Catalogue::built_in();
  const auto at = [&](std::string_view id) { return catalogue.find_fault(id) - catalogue.faults().data(); };
  EXPECT_LT(at("clock_wrong"), at("certificate_expired"));
  EXPECT_EQ(catalogue.find_fault("no_such_fault"), nullptr);
}

TEST(BuiltInCatalogue, FindsTheRulesOfAFault) {
  const auto catalogue = Catalogue::built_in();
  std::vector<std::string> ids;
  for (const auto* one : catalogue.rules_for("clock_wrong")) ids.push_back(one->id());
  EXPECT_THAT(ids, ElementsAre("clock_changed", "clock_unsynchronised"));
  EXPECT_THAT(catalogue.rules_for("no_such_fault"), IsEmpty());
}

v1::FaultFile fault_file(const std::string& text) {
  v1::FaultFile file;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &file));
  return file;
}

TEST(Catalogue, AFaultSaysWhichRulesHintAtItAndItsOwnNeedNoSaying) {
  v1::SignalFile shared;
  shared.add_rules()->set_id("shared");
  shared.add_rules()->set_id("of_nobody");
  const Catalogue catalogue({fault_file(R"(fault { id: "a" hinted_by: "shared" } rules { id: "own" })"),
                             fault_file(R"(fault { id: "b" hinted_by: "shared" hinted_by: "own" })")},
                            {shared});
  const auto faults_of = [&](const std::string& id) {
    for (const auto& rule : catalogue.rules()) {
      if (rule.id() == id) return std::vector<std::string>(rule.faults().begin(), rule.faults().end());
    }
    return std::vector<std::string>{"no such rule"};
  };
  EXPECT_THAT(faults_of("shared"), ElementsAre("a", "b"));
  EXPECT_THAT(faults_of("own"), ElementsAre("a", "b"));
  EXPECT_THAT(faults_of("of_nobody"), IsEmpty());
}

TEST(Catalogue, AMaskSaidFromEitherSideIsTheSame) {
  const Catalogue catalogue({fault_file(R"(fault { id: "symptom" masked_by: "clock" })"),
                             fault_file(R"(fault { id: "cause" masks: "symptom" })"),
                             fault_file(R"(fault { id: "clock" masks: "symptom" masks: "cause" })")},
                            {});
  const auto masks = [&](const std::string& id) {
    const auto& all = catalogue.find_fault(id)->masked_by();
    return std::vector<std::string>(all.begin(), all.end());
  };
  EXPECT_THAT(masks("symptom"), ElementsAre("clock", "cause"));
  EXPECT_THAT(masks("cause"), ElementsAre("clock"));
  EXPECT_EQ(catalogue.faults().front().id(), "clock");
  EXPECT_EQ(catalogue.faults().back().id(), "symptom");
}

TEST(Catalogue, NamesMasksAndHintsThatDoNotExist) {
  const Catalogue catalogue({fault_file(R"(fault { id: "a" masks: "nobody" hinted_by: "nothing" })")}, {});
  const auto problems = check_faults(catalogue.faults(), catalogue.rules());
  EXPECT_THAT(problems, testing::Contains(HasSubstr("masks \"nobody\", which does not exist")));
  EXPECT_THAT(problems, testing::Contains(HasSubstr("is hinted by \"nothing\", which does not exist")));
}

// --- order ---

// "b<a" is a fault b that is masked by a.
std::vector<v1::FaultInfo> faults(const std::vector<std::string>& texts) {
  std::vector<v1::FaultInfo> out;
  for (const auto& text : texts) {
    auto& fault = out.emplace_back();
    const auto split = text.find('<');
    fault.set_id(text.substr(0, split));
    for (auto at = split; at != std::string::npos; at = text.find('<', at + 1)) {
      fault.add_masked_by(text.substr(at + 1, text.find('<', at + 1) - at - 1));
    }
  }
  return out;
}

std::string ordered(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& fault : masks_first(faults(texts))) out += fault.id();
  return out;
}

TEST(FaultOrder, PutsWhatMasksFirstAndElseKeepsTheOrder) {
  EXPECT_EQ(ordered({"a", "b", "c"}), "abc");
  EXPECT_EQ(ordered({"a<c", "b", "c"}), "bca");
  EXPECT_EQ(ordered({"a<b", "b<c", "c<d", "d"}), "dcba");
  EXPECT_EQ(ordered({"a<b<c", "b", "c<d", "d"}), "bdca");
  EXPECT_EQ(ordered({"a<unknown", "b"}), "ab");
  EXPECT_EQ(ordered({}), "");
}

TEST(FaultOrder, EndsOnACycleWhichTheCheckReports) {
  EXPECT_EQ(ordered({"a<b", "b<a", "c"}), "cab");
  EXPECT_EQ(ordered({"a<a"}), "a");
  EXPECT_THAT(check_faults(faults({"a<b", "b<a"}), {}), testing::Contains(HasSubstr("mask each other")));
  EXPECT_THAT(check_faults(faults({"a<zz"}), {}), testing::Contains(HasSubstr("does not exist")));
  EXPECT_THAT(check_faults(faults({"a", "a"}), {}), testing::Contains(HasSubstr("same id")));
}

// --- the site's file ---

constexpr auto k_good_rule = R"(rules {
  id: "site_vendor_agent"
  channel: "Application"
  provider: "Vendor Agent"
  event_ids: [ 7 ]
  faults: "certificate_expired"
}
)";

TEST(SiteFile, AddsRulesAndOverrides) {
  auto catalogue = Catalogue::built_in();
  const auto before = catalogue.rules().size();
  const auto problems = catalogue.merge_site_file("site.textproto", std::string(k_good_rule) + R"(
overrides { rule_id: "clock_changed" threshold: 5 window { seconds: 120 } }
overrides { rule_id: "clock_unsynchronised" disabled: true }
overrides { rule_id: "site_vendor_agent" threshold: 2 }
)");
  EXPECT_THAT(problems, IsEmpty());
  EXPECT_EQ(catalogue.rules().size(), before);  // One more, one less.
  ASSERT_EQ(catalogue.rules_for("clock_wrong").size(), 1U);
  const auto& changed = *catalogue.rules_for("clock_wrong").front();
  EXPECT_EQ(changed.threshold(), 5U);
  EXPECT_EQ(changed.window().seconds(), 120);
  EXPECT_EQ(catalogue.rules().back().id(), "site_vendor_agent");
  EXPECT_EQ(catalogue.rules().back().threshold(), 2U);
}

TEST(SiteFile, TakesTheGoodRulesAndReportsAllOthersWithTheirLines) {
  auto catalogue = Catalogue::built_in();
  const auto before = catalogue.rules().size();
  const auto problems = catalogue.merge_site_file("site.textproto", std::string(k_good_rule) + R"(rules {
  id: "Bad Id"
  channel: "Microsoft-Windows-X/Analytic"
  provider: "P"
  event_ids: 1
  event_ids: 3221226529
  where { name: "A" }
  captures { as: "c" name: "C" }
  group_by: "d"
  window { seconds: 0 }
  threshold: 5000
  faults: "certificat_expired"
}
rules { id: "clock_changed" channel: "System" provider: "P" event_ids: 1 }
overrides { rule_id: "no_such_rule" disabled: true }
overrides { rule_id: "clock_changed" }
)");
  EXPECT_THAT(problems,
              ElementsAre(HasSubstr("site.textproto:9:3: id \"Bad Id\" is not snake_case"),
                          HasSubstr("site.textproto:10:3: Windows does not let anyone subscribe to Analytic"),
                          HasSubstr("site.textproto:13:3: event id 3221226529 carries qualifiers; write 1057"),
                          HasSubstr("site.textproto:14:3: has no test"),
                          HasSubstr("site.textproto:16:3: group_by \"d\" is no capture"),
                          HasSubstr("site.textproto:17:3: the window must be between 1 s and 1 d"),
                          HasSubstr("site.textproto:18:3: the threshold must be at most 1000"),
                          HasSubstr("site.textproto:19:3: there is no fault \"certificat_expired\"; there are: "),
                          HasSubstr("site.textproto:21:9: there is a rule \"clock_changed\" already"),
                          HasSubstr("site.textproto:22:13: there is no rule \"no_such_rule\""),
                          HasSubstr("site.textproto:23:1: the override changes nothing")));
  ASSERT_EQ(catalogue.rules().size(), before + 1);
  EXPECT_EQ(catalogue.rules().back().id(), "site_vendor_agent");
}

TEST(SiteFile, PointsAtTheListWhenAnItemIsWrong) {
  auto catalogue = Catalogue::built_in();
  EXPECT_THAT(
      catalogue.merge_site_file("s", "rules {\n id: 'x' channel: 'C' provider: 'P'\n event_ids: [ 1,\n 70000 ]\n}"),
      ElementsAre(HasSubstr("s:3:2: event id 70000 carries qualifiers; write 4464")));
}

TEST(SiteFile, SaysWhatIsMissing) {
  auto catalogue = Catalogue::built_in();
  EXPECT_THAT(catalogue.merge_site_file("s", "\nrules { }\n"),
              ElementsAre(HasSubstr("s:2:1: the rule has no id"), HasSubstr("s:2:1: the rule has no channel"),
                          HasSubstr("s:2:1: the rule has no provider"), HasSubstr("s:2:1: the rule has no event_ids")));
}

TEST(SiteFile, ChangesNothingIfItIsNoTextproto) {
  auto catalogue = Catalogue::built_in();
  const auto before = catalogue.rules().size();
  const auto problems =
      catalogue.merge_site_file("s", std::string(k_good_rule) + "rules {\n  idd: 'x'\n  threshold: 'y'\n}\n");
  EXPECT_THAT(problems, ElementsAre(HasSubstr("s:9:3: "), HasSubstr("s:10:14: ")));
  EXPECT_EQ(catalogue.rules().size(), before);
}

TEST(SiteFile, CannotTakeARuleTwice) {
  auto catalogue = Catalogue::built_in();
  EXPECT_THAT(catalogue.merge_site_file("s", std::string(k_good_rule) + k_good_rule),
              ElementsAre(HasSubstr("s:9:3: there is a rule")));
  EXPECT_THAT(catalogue.merge_site_file("t", k_good_rule), ElementsAre(HasSubstr("t:2:3: there is a rule")));
  EXPECT_THAT(catalogue.merge_site_file("u",
                                        "overrides { rule_id: 'clock_changed' threshold: 2 }\n"
                                        "overrides { rule_id: 'clock_changed' threshold: 3 }"),
              ElementsAre(HasSubstr("u:2:13: rule \"clock_changed\" is overridden twice")));
}

TEST(SiteFile, SaysFewLinesOfAFileInWhichEverythingIsWrong) {
  auto catalogue = Catalogue::built_in();
  std::string empty_rules;
  for (int i = 0; i < 131'000; ++i) empty_rules += "rules{}\n";
  const auto problems = catalogue.merge_site_file("s", empty_rules);
  ASSERT_EQ(problems.size(), k_max_site_problems + 1);
  EXPECT_THAT(problems.front(), HasSubstr("s:1:1: the rule has no id"));
  EXPECT_EQ(problems.back(), "s: and 523980 more");
}

TEST(SiteFile, SaysLittleOfALongValueAndNothingThatDrivesATerminal) {
  auto catalogue = Catalogue::built_in();
  const auto problems = catalogue.merge_site_file(
      "s", "rules { id: '\\x1b[2J" + std::string(100'000, 'X') + "' channel: 'C' provider: 'P' event_ids: 1 }");
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_LE(problems[0].size(), k_max_site_problem_bytes + 20);
  EXPECT_EQ(problems[0].find('\x1b'), std::string::npos);
}

TEST(SiteFile, BoundsTheNumberOfRules) {
  auto catalogue = Catalogue::built_in();
  std::string many;
  for (std::size_t i = 0; i <= k_max_rules; ++i) {
    many += fmt::format("rules {{ id: 'r{}' channel: 'C' provider: 'P' event_ids: 1 }}\n", i);
  }
  EXPECT_THAT(catalogue.merge_site_file("s", many), ElementsAre(HasSubstr("more than 1000 rules")));
  EXPECT_EQ(catalogue.rules().size(), k_max_rules);
}

// --- single checks ---

struct CheckCase {
  std::string name;
  std::string rule;
  std::string complaint;  // Empty: none.
};

class RuleChecks : public testing::TestWithParam<CheckCase> {};

TEST_P(RuleChecks, SayWhatIsWrong) {
  const auto problems = check_rule(rule(GetParam().rule), {{"certificate_expired"}, {"taken"}});
  if (GetParam().complaint.empty()) {
    for (const auto& problem : problems) ADD_FAILURE() << problem.message;
    return;
  }
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0].message, HasSubstr(GetParam().complaint));
}

TEST(RuleCheck, SaysFewThingsOfARuleInWhichEverythingIsWrong) {
  v1::Rule rule;
  for (int i = 0; i < 50'000; ++i) rule.add_event_ids(70'000);
  const auto problems = check_rule(rule, {});
  ASSERT_EQ(problems.size(), k_max_rule_problems + 1);
  EXPECT_THAT(problems.back().message, HasSubstr("more problems of this rule"));
}

INSTANTIATE_TEST_SUITE_P(
    All, RuleChecks,
    testing::Values(
        CheckCase{"Good",
                  "faults: 'certificate_expired' captures { as: 'a' binary: true } group_by: 'a' threshold: 1000", ""},
        CheckCase{"PointsToNothing", "effect: RULE_EFFECT_CONFIRMS", ""},
        CheckCase{"LongestWindow", "window { seconds: 86400 }", ""}, CheckCase{"IdTaken", "id: 'taken'", "already"},
        CheckCase{"IdTooLong", "id: '" + std::string(65, 'a') + "'", "snake_case"},
        CheckCase{"IdBeginsWithDigit", "id: '1a'", "snake_case"},
        CheckCase{"DebugChannel", "channel: 'X/debug'", "Analytic and Debug"},
        CheckCase{"ControlCharacter", "provider: 'a\\nb'", "control characters"},
        CheckCase{"IdTwice", "event_ids: [5, 5]", "twice"},
        CheckCase{"NoField", "where { equals: 'x' }", "says no field"},
        CheckCase{"PositionZero", "where { position: 0 present: true }", "count from 1"},
        CheckCase{"EmptyName", "where { name: '' present: true }", "empty"},
        CheckCase{"LocalisedText", "where { name: 'message' contains: 'expired' }", "language of the host"},
        CheckCase{"EmptyStart", "where { name: 'A' starts_with: '' }", "always true"},
        CheckCase{"EmptyPart", "where { name: 'A' contains: '' }", "always true"},
        CheckCase{"EmptyAnyOf", "where { name: 'A' any_of { } }", "never true"},
        CheckCase{"CaptureWithoutName", "captures { name: 'A' }", "no name"},
        CheckCase{"CaptureOfNothing", "captures { as: 'a' }", "says no field"},
        CheckCase{"CaptureTwice", "captures { as: 'a' name: 'A' } captures { as: 'a' name: 'B' }", "already"},
        CheckCase{"CaptureNotBinary", "captures { as: 'a' binary: false }", "captures nothing"},
        CheckCase{"NegativeWindow", "window { seconds: -1 }", "between"},
        CheckCase{"HugeWindow", "window { seconds: 9223372036854775807 }", "between"},
        CheckCase{"HugeThreshold", "threshold: 1001", "at most 1000"},
        CheckCase{"FaultTwice", "faults: ['certificate_expired', 'certificate_expired']", "twice"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace rdpmend
