// One setting is changed; the administrator's file stays the administrator's.
#include "service/config/config_edit.hpp"

#include <gmock/gmock.h>

#include "service/config/config.hpp"
#include "service/config/config_template.hpp"
#include "tests/service/journal_test_support.hpp"

namespace rdpmend {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string edit(std::string_view text, const std::string& address = "0.0.0.0:4000") {
  const auto edited = with_listen_address(text, address);
  EXPECT_TRUE(ok(edited));
  return edited.value_or("");
}

TEST(ConfigEdit, replaces_the_address_and_nothing_else) {
  EXPECT_EQ(edit("# mine\nrpc {\n\tlisten: '127.0.0.1:1'  # why\n  max_watchers: 3\n}\n"),
            "# mine\nrpc {\n\tlisten: \"0.0.0.0:4000\"  # why\n  max_watchers: 3\n}\n");
}

TEST(ConfigEdit, adds_the_address_to_a_block_without_one) {
  EXPECT_EQ(edit("rpc {\n  max_watchers: 3\n}\n"), "rpc {\n  listen: \"0.0.0.0:4000\"\n  max_watchers: 3\n}\n");
}

TEST(ConfigEdit, adds_the_block_to_a_file_without_one) {
  EXPECT_EQ(edit("probe { deadline { seconds: 3 } }"),
            "probe { deadline { seconds: 3 } }\nrpc {\n  listen: \"0.0.0.0:4000\"\n}\n");
  EXPECT_EQ(edit(""), "rpc {\n  listen: \"0.0.0.0:4000\"\n}\n");
}

TEST(ConfigEdit, understands_one_line_and_the_other_brackets) {
  EXPECT_EQ(edit("rpc < listen: \"[::1]:1\" >"), "rpc < listen: \"0.0.0.0:4000\" >");
}

TEST(ConfigEdit, keeps_the_comments_of_the_file_that_an_installation_begins_with) {
  const auto edited = edit(config_template());
  EXPECT_THAT(edited, StartsWith(std::string(config_template())));
  const auto parsed = parse_config("x", edited, Catalogue::built_in());
  EXPECT_THAT(parsed.problems, testing::IsEmpty());
  EXPECT_EQ(parsed.config.rpc().listen(), "0.0.0.0:4000");
}

TEST(ConfigEdit, refuses_what_is_no_address) {
  for (const char* address : {"", "nowhere", "1.2.3.4:99999", "a\" }\npolicy {", "1.2.3.4:1\\"}) {
    const auto edited = with_listen_address("", address);
    ASSERT_FALSE(edited) << address;
    EXPECT_EQ(edited.error().code, ErrorCode::invalid_argument);
  }
}

TEST(ConfigEdit, refuses_a_file_with_mistakes_and_says_where) {
  const auto edited = with_listen_address("rpc { lisen: \"x\" }", "0.0.0.0:4000");
  ASSERT_FALSE(edited);
  EXPECT_THAT(edited.error().what, HasSubstr("rdpmend.textproto:1:"));
}

}  // namespace
}  // namespace rdpmend
