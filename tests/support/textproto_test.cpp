#include "agent-lib/support/textproto.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "rdpmend/v1/catalog.pb.h"

namespace rdpmend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// "line:column message"
std::vector<std::string> errors_of(std::string_view text) {
  v1::SiteRuleFile file;
  std::vector<TextprotoError> errors;
  const bool parsed = parse_textproto(text, file, errors, nullptr);
  EXPECT_EQ(parsed, errors.empty());
  std::vector<std::string> out;
  out.reserve(errors.size());
  for (const auto& error : errors) out.push_back(fmt::format("{}:{} {}", error.line, error.column, error.message));
  return out;
}

TEST(Textproto, ParsesWhatIsRightAndRemembersWhereItStands) {
  v1::SiteRuleFile file;
  std::vector<TextprotoError> errors;
  google::protobuf::TextFormat::ParseInfoTree tree;
  ASSERT_TRUE(parse_textproto("# why\nrules {\n  id: \"a\"\n}\n", file, errors, &tree));
  EXPECT_EQ(file.rules(0).id(), "a");
  const auto* rules = v1::SiteRuleFile::descriptor()->FindFieldByName("rules");
  const auto* id = v1::Rule::descriptor()->FindFieldByName("id");
  EXPECT_EQ(tree.GetLocation(rules, 0).line, 1);
  EXPECT_EQ(tree.GetTreeForNested(rules, 0)->GetLocation(id, -1).line, 2);
  EXPECT_TRUE(parse_textproto("", file, errors, nullptr));
}

TEST(Textproto, ReportsEveryUnknownFieldWithItsLine) {
  EXPECT_THAT(errors_of("rules {\n  ids: \"a\"\n  event_ids: 1\n  colour { x: 1 }\n}\nrulez { }\n"),
              ElementsAre(testing::AllOf(testing::StartsWith("2:3 "), HasSubstr("ids")),
                          testing::AllOf(testing::StartsWith("4:3 "), HasSubstr("colour")),
                          testing::AllOf(testing::StartsWith("6:1 "), HasSubstr("rulez"))));
}

TEST(Textproto, PointsAtTheWordEvenWhenItIsNoticedLate) {
  EXPECT_THAT(errors_of("rules {\n\tids\n\n  : 2\n}\n"), ElementsAre(testing::StartsWith("2:2 ")));
  EXPECT_THAT(errors_of("rules {\n  effect: LOUD\n\n# and\n}\n"), ElementsAre(testing::StartsWith("2:11 ")));
  EXPECT_THAT(errors_of("overrides {\n\tdisabled: maybe\n}\n"), ElementsAre(testing::StartsWith("2:12 ")));
  EXPECT_THAT(errors_of("rules {\n  id: \"a\"\n  id\n: \"b\"\n}\n"), testing::Contains(testing::StartsWith("3:3 ")));
}

TEST(Textproto, GoesOnAfterAWrongValue) {
  EXPECT_THAT(errors_of("rules {\n  threshold: \"three\"\n  event_ids: -1\n  ids: 2\n  effect: NONSENSE\n}\n"),
              ElementsAre(testing::StartsWith("2:"), testing::StartsWith("3:"), testing::StartsWith("4:"),
                          testing::StartsWith("5:")));
}

TEST(Textproto, ReportsBrokenStructureOnce) {
  EXPECT_THAT(errors_of("rules {\n  id: \"a\"\n"), ElementsAre(testing::StartsWith("3:1 ")));
  EXPECT_THAT(errors_of("rules {\n  id: \"a\n}\n"), testing::Contains(testing::StartsWith("2:")));
  EXPECT_THAT(errors_of("hello"), testing::Contains(testing::StartsWith("1:1 ")));
}

TEST(Textproto, BoundsErrorsSizeAndDepth) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += "rules { id: 5 }\n";
  EXPECT_EQ(errors_of(many).size(), k_max_textproto_errors);
  EXPECT_THAT(errors_of(std::string(k_max_textproto_bytes + 1, ' ')), ElementsAre(HasSubstr("1 MiB")));
  for (const std::string_view opening : {"x {", "x: ["}) {
    std::string deep;
    while (deep.size() < k_max_textproto_bytes - opening.size()) deep += opening;
    EXPECT_FALSE(errors_of(deep).empty());
  }
}

TEST(Textproto, RefusesBytesThatAreNoText) {
  EXPECT_THAT(errors_of("\xEF\xBB\xBFrules { }"), ElementsAre(HasSubstr("byte order mark")));
  EXPECT_FALSE(errors_of(std::string("rules {\0}", 9)).empty());
  EXPECT_THAT(errors_of("rules {\n  id: \"\xFF\"\n}"), ElementsAre(HasSubstr("2:")));
  EXPECT_THAT(errors_of("rules {\n  id: \"\\377\"\n}"), ElementsAre(HasSubstr("2:")));
}

}  // namespace
}  // namespace rdpmend
