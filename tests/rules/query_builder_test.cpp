#include "agent-lib/rules/query_builder.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <pugixml.hpp>

#include "agent-lib/rules/catalogue.hpp"
#include "tests/rules/rule_text.hpp"

namespace rdpmend {
namespace {

using testing::ElementsAre;

std::vector<std::string> selects_of(const ChannelQuery& query) {
  pugi::xml_document document;
  EXPECT_TRUE(document.load_string(query.xpath.c_str())) << query.xpath;
  const auto node = document.child("QueryList").child("Query");
  EXPECT_EQ(node.attribute("Path").value(), query.channel);
  std::vector<std::string> out;
  for (const auto select : node.children("Select")) {
    EXPECT_EQ(select.attribute("Path").value(), query.channel);
    out.emplace_back(select.child_value());
  }
  return out;
}

std::size_t occurrences(std::string_view part, std::string_view text) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(QueryBuilder, MakesOneQueryPerChannelInAlphabeticalOrder) {
  const auto queries =
      build_queries({rule("channel: 'System' event_ids: [3, 1]"), rule("channel: 'Application'"),
                     rule("channel: 'SYSTEM' event_ids: [2, 1]"), rule("channel: 'system' provider: 'A'")});
  ASSERT_EQ(queries.size(), 2U);
  EXPECT_EQ(queries[0].channel, "Application");
  EXPECT_EQ(queries[1].channel, "System") << "as it is spelled first";
  EXPECT_EQ(queries[0].xpath,
            "<QueryList><Query Id=\"0\" Path=\"Application\"><Select Path=\"Application\">"
            "*[System[Provider[@Name='Schannel'] and (EventID=36870)]]</Select></Query></QueryList>");
  EXPECT_THAT(selects_of(queries[1]),
              ElementsAre("*[System[Provider[@Name='A'] and (EventID=36870)]]",
                          "*[System[Provider[@Name='Schannel'] and (EventID=1 or EventID=2 or EventID=3)]]"));
}

TEST(QueryBuilder, SplitsAtTwentyExpressions) {
  for (const std::size_t count : {1U, 19U, 20U, 38U, 39U, 200U}) {
    auto many = rule();
    many.clear_event_ids();
    for (std::size_t i = 0; i < count; ++i) many.add_event_ids(static_cast<std::uint32_t>(1000 + i));
    const auto selects = selects_of(build_queries({many}).at(0));
    EXPECT_EQ(selects.size(), (count + 18) / 19);
    std::size_t ids = 0;
    for (const auto& select : selects) {
      ids += occurrences("EventID=", select);
      EXPECT_LE(occurrences("EventID=", select) + occurrences("@Name=", select), k_max_select_expressions);
    }
    EXPECT_EQ(ids, count);
  }
}

TEST(QueryBuilder, CannotBeLeftByANameWithQuotesOrMarkup) {
  auto hostile = rule();
  hostile.set_channel("C\"/><Select Path='X'>*</Select> & co");
  hostile.set_provider("P'] or *[System[@Name='");
  auto queries = build_queries({hostile});
  ASSERT_EQ(queries.size(), 1U);
  EXPECT_EQ(queries[0].channel, hostile.channel());
  EXPECT_THAT(selects_of(queries[0]),
              ElementsAre("*[System[Provider[@Name=\"P'] or *[System[@Name='\"] and (EventID=36870)]]"));

  hostile.set_provider("both ' and \"");
  queries = build_queries({hostile});
  EXPECT_THAT(selects_of(queries[0]), ElementsAre("*[System[(EventID=36870)]]")) << "coarser, but still right";
}

TEST(QueryBuilder, AsksForEverythingThatTheBuiltInRulesNeed) {
  const auto catalogue = Catalogue::built_in();
  const auto queries = build_queries(catalogue.rules());
  for (const auto& one : catalogue.rules()) {
    const auto query =
        std::find_if(queries.begin(), queries.end(), [&](const auto& q) { return q.channel == one.channel(); });
    ASSERT_NE(query, queries.end()) << one.id();
    for (const auto id : one.event_ids()) EXPECT_THAT(query->xpath, testing::HasSubstr(fmt::format("EventID={}", id)));
  }
  EXPECT_TRUE(build_queries({}).empty());
}

}  // namespace
}  // namespace rdpmend
