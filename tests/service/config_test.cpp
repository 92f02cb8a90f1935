// The configuration file: what it may say, where it is wrong, and that the documented example is what the service does.
#include "service/config/config.hpp"
#include "tests/paths.hpp"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <functional>
#include <set>
#include <sstream>

#include "agent-lib/support/time.hpp"
#include "tests/service/journal_test_support.hpp"
#include "tests/service/temp_folder.hpp"

namespace rdpmend {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const Catalogue& catalogue() {
  static const Catalogue built_in = Catalogue::built_in();
  return built_in;
}

std::vector<std::string> problems_of(const std::string& text) {
  return parse_config("site.cfg", text, catalogue()).problems;
}

TEST(ConfigTest, an_empty_file_means_the_defaults) {
  const auto parsed = parse_config("site.cfg", "", catalogue());
  EXPECT_THAT(parsed.problems, IsEmpty());
  EXPECT_TRUE(MessageDifferencer::Equals(parsed.config, default_config())) << parsed.config.DebugString();
}

TEST(ConfigTest, the_defaults_are_the_documented_ones) {
  const auto config = default_config();
  EXPECT_EQ(config.rpc().listen(), "127.0.0.1:30904");
  EXPECT_EQ(config.rpc().max_request_bytes(), 1u << 20);
  EXPECT_EQ(config.rpc().max_watchers(), 64u);
  EXPECT_EQ(from_proto(config.journal().max_age()), std::chrono::hours{400 * 24});
  EXPECT_EQ(config.journal().max_bytes(), 256u << 20);
  EXPECT_EQ(config.log().level(), v1::LogConfig::LEVEL_INFO);
  EXPECT_EQ(config.log().rotate_bytes(), 10u << 20);
  EXPECT_EQ(config.log().keep_files(), 5u);
  EXPECT_EQ(from_proto(config.policy().cool_down()), std::chrono::minutes{10});
  EXPECT_EQ(config.policy().attempts_per_day(), 2u);
  EXPECT_EQ(config.policy().breaker_failures(), 3u);
  EXPECT_EQ(from_proto(config.policy().sweep_interval()), std::chrono::minutes{15});
  EXPECT_EQ(from_proto(config.policy().approval_timeout()), std::chrono::hours{24});
  EXPECT_EQ(from_proto(config.probe().deadline()), std::chrono::seconds{5});
}

TEST(ConfigTest, what_is_set_stays_and_the_rest_is_filled_in) {
  const auto parsed =
      parse_config("site.cfg", "rpc { listen: \"[::1]:0\" }\njournal { max_bytes: 1048576 }", catalogue());
  EXPECT_THAT(parsed.problems, IsEmpty());
  EXPECT_EQ(parsed.config.rpc().listen(), "[::1]:0");
  EXPECT_EQ(parsed.config.rpc().max_watchers(), 64u);
  EXPECT_EQ(parsed.config.journal().max_bytes(), 1u << 20);
}

struct Mistake {
  const char* name;
  const char* text;  // Begins on line 2.
  const char* place;
  const char* message;
};

class ConfigMistakeTest : public testing::TestWithParam<Mistake> {};

TEST_P(ConfigMistakeTest, is_named_with_its_place) {
  const auto problems = problems_of("# a comment\n" + std::string(GetParam().text));
  ASSERT_EQ(problems.size(), 1u) << testing::PrintToString(problems);
  EXPECT_THAT(problems.front(),
              AllOf(StartsWith(std::string("site.cfg:") + GetParam().place + ": "), HasSubstr(GetParam().message)));
  EXPECT_TRUE(problems.front().ends_with('.'));
}

INSTANTIATE_TEST_SUITE_P(
    Table, ConfigMistakeTest,
    testing::Values(
        Mistake{"misspelt_field", "rpc { lisen: \"x\" }", "2:7", "lisen"},
        Mistake{"wrong_type", "rpc {\n  max_watchers: \"many\"\n}", "3:17", "integer"},
        Mistake{"unclosed", "rpc {\n", "3:1", "Expected"},
        Mistake{"no_port", "rpc {\n  listen: \"127.0.0.1\"\n}", "3:3", "rpc.listen: \"127.0.0.1\" has no port"},
        Mistake{"a_name", "rpc { listen: \"localhost:1\" }", "2:7", "is not ADDRESS:PORT"},
        Mistake{"bare_v6", "rpc { listen: \"::1:30904\" }", "2:7", "is not ADDRESS:PORT"},
        Mistake{"bracketed_v4", "rpc { listen: \"[127.0.0.1]:5\" }", "2:7", "is not ADDRESS:PORT"},
        Mistake{"port_too_large", "rpc { listen: \"127.0.0.1:65536\" }", "2:7", "\"65536\" is not a port"},
        Mistake{"port_no_number", "rpc { listen: \"127.0.0.1:5x\" }", "2:7", "\"5x\" is not a port"},
        Mistake{"port_negative", "rpc { listen: \"127.0.0.1:-1\" }", "2:7", "\"-1\" is not a port"},
        Mistake{"port_empty", "rpc { listen: \"127.0.0.1:\" }", "2:7", "is not a port"},
        Mistake{"request_small", "rpc { max_request_bytes: 5 }", "2:7",
                "5 B is too small. Allowed are 1 KiB to 64 MiB"},
        Mistake{"request_large", "rpc { max_request_bytes: 2147483648 }", "2:7", "2 GiB is too large"},
        Mistake{"watchers_large", "rpc { max_watchers: 1001 }", "2:7", "1001 is too large. Allowed are 1 to 1000"},
        Mistake{"journal_small", "journal {\n\n max_bytes: 1048575 }", "4:2", "Allowed are 1 MiB to 64 GiB"},
        Mistake{"age_negative", "journal { max_age { seconds: -5 } }", "2:11", "journal.max_age: it is negative"},
        Mistake{"age_zero", "journal { max_age {} }", "2:11", "it is zero"},
        Mistake{"age_short", "journal { max_age { seconds: 3600 } }", "2:11", "1 h is too short. Allowed are 1 d to"},
        Mistake{"age_absurd", "journal { max_age { seconds: 9223372036854775807 } }", "2:11",
                "9223372036854775807 s is too long"},
        Mistake{"nanos_absurd", "probe { deadline { nanos: 2000000000 } }", "2:9", "nanos must be less than a second"},
        Mistake{"nanos_negative", "probe { deadline { seconds: 1 nanos: -1 } }", "2:9", "it is negative"},
        Mistake{"deadline_short", "probe { deadline { nanos: 1000000 } }", "2:9",
                "1 ms is too short. Allowed are 100 ms to"},
        Mistake{"level_number", "log { level: 9 }", "2:7", "9 is no level"},
        Mistake{"level_name", "log { level: LOUD }", "2:14", "LOUD"},
        Mistake{"rotate_small", "log { rotate_bytes: 1 }", "2:7", "too small"},
        Mistake{"keep_large", "log { keep_files: 101 }", "2:7", "101 is too large"},
        Mistake{"sweep_short", "policy { sweep_interval { seconds: 59 } }", "2:10", "59 s is too short"},
        Mistake{"attempts", "policy { attempts_per_day: 101 }", "2:10", "policy.attempts_per_day: 101 is too large"},
        Mistake{"unknown_fault", "policy {\n  faults { mode: FAULT_MODE_AUTO\n    fault_id: \"cert\" }\n}", "4:5",
                "policy.faults[0].fault_id: there is no fault \"cert\". Known are: "},
        Mistake{"no_fault", "policy {\n  faults { mode: FAULT_MODE_AUTO }\n}", "3:3",
                "faults[0].fault_id: it is missing"},
        Mistake{"fault_twice",
                "policy {\n faults { fault_id: \"clock_wrong\" }\n faults { fault_id: \"clock_wrong\" }\n}", "4:11",
                "policy.faults[1].fault_id: there is more than one policy for \"clock_wrong\""},
        Mistake{"fault_mode", "policy { faults { fault_id: \"clock_wrong\" mode: 7 } }", "2:43", "7 is no mode"},
        Mistake{"fault_cool_down", "policy { faults { fault_id: \"clock_wrong\" cool_down { seconds: -1 } } }", "2:43",
                "policy.faults[0].cool_down: it is negative"},
        Mistake{"fault_attempts", "policy { faults { fault_id: \"clock_wrong\" attempts_per_day: 999 } }", "2:43",
                "too large"},
        Mistake{"day_name",
                "policy { repair_windows {\n days: \"Mon\"\n days: \"Monday\"\n begin: \"01:00\" end: \"02:00\" } }",
                "4:2", "repair_windows[0].days[1]: \"Monday\" is no day. Use Mon, Tue"},
        Mistake{"day_twice", "policy { repair_windows { days: [\"Mon\", \"Mon\"] begin: \"01:00\" end: \"02:00\" } }",
                "2:27", "is there already"},
        Mistake{"no_time", "policy { repair_windows { begin: \"1:00\" end: \"02:00\" } }", "2:27",
                "\"1:00\" is no time of day"},
        Mistake{"hour_24", "policy { repair_windows { begin: \"01:00\" end: \"24:00\" } }", "2:42",
                "\"24:00\" is no time of day"},
        Mistake{"minute_60", "policy { repair_windows { begin: \"01:60\" end: \"02:00\" } }", "2:27", "no time of day"},
        Mistake{"no_end", "policy {\n repair_windows { begin: \"01:00\" }\n}", "3:2",
                "repair_windows[0].end: it is missing"},
        Mistake{"no_window", "policy { repair_windows { begin: \"01:00\" end: \"01:00\" } }", "2:42",
                "ends when it begins"},
        Mistake{"no_file", "site_rules: \"\"", "2:1", "site_rules[0]: it is empty"},
        Mistake{"file_twice", "site_rules: \"a\"\nsite_rules: \"b\"\nsite_rules: \"a\"", "4:1",
                "site_rules[2]: \"a\" is there already"}),
    [](const auto& mistake) { return std::string(mistake.param.name); });

TEST(ConfigTest, all_mistakes_are_named_at_once_in_the_order_of_the_file) {
  EXPECT_THAT(
      problems_of("journal { max_bytes: 1 }\n"
                  "rpc { lisen: \"x\" max_watchers: 9999 }\n"
                  "policy {\n"
                  "  faults { fault_id: \"nonsense\" cool_down { seconds: -1 } }\n"
                  "  repair_windows { days: \"Someday\" begin: \"x\" end: \"y\" }\n"
                  "}\n"),
      ElementsAre(StartsWith("site.cfg:1:11: journal.max_bytes"), StartsWith("site.cfg:2:"),
                  StartsWith("site.cfg:2:18: rpc.max_watchers"), StartsWith("site.cfg:4:12: policy.faults[0].fault_id"),
                  StartsWith("site.cfg:4:33: policy.faults[0].cool_down"), StartsWith("site.cfg:5:20: "),
                  StartsWith("site.cfg:5:36: "), StartsWith("site.cfg:5:47: ")));
}

TEST(ConfigTest, what_a_mistake_cut_off_is_not_called_missing) {
  const auto problems = problems_of("policy { repair_windows { begin: \"01:00\" oops !");
  for (const auto& problem : problems) EXPECT_THAT(problem, testing::Not(HasSubstr("missing")));
  EXPECT_FALSE(problems.empty());
}

TEST(ConfigTest, too_many_windows_and_rule_files_are_refused) {
  std::string text = "policy {\n";
  for (int i = 0; i < 65; ++i) text += "repair_windows { begin: \"01:00\" end: \"02:00\" }\n";
  text += "}\n";
  for (int i = 0; i < 65; ++i) text += "site_rules: \"" + std::to_string(i) + "\"\n";
  EXPECT_THAT(problems_of(text),
              ElementsAre(StartsWith("site.cfg:66:1: policy.repair_windows[64]"), StartsWith("site.cfg:132:1: ")));
}

// --- the file ---

TEST(LoadConfigTest, a_missing_file_at_the_default_place_means_the_defaults) {
  TempFolder folder;
  const auto config = load_config(std::nullopt, folder / "rdpmend.textproto", catalogue());
  ASSERT_TRUE(ok(config));
  EXPECT_TRUE(MessageDifferencer::Equals(*config, default_config()));
}

TEST(LoadConfigTest, a_missing_file_that_was_given_is_an_error) {
  TempFolder folder;
  const auto config = load_config(folder / "my.textproto", folder / "rdpmend.textproto", catalogue());
  ASSERT_FALSE(config);
  EXPECT_THAT(text_of(config.error()), AllOf(HasSubstr("my.textproto"), HasSubstr("Give a readable file")));
}

TEST(LoadConfigTest, a_folder_is_an_error) {
  TempFolder folder;
  EXPECT_FALSE(load_config(folder.path(), folder / "rdpmend.textproto", catalogue()));
}

TEST(LoadConfigTest, the_file_at_the_default_place_is_read) {
  TempFolder folder;
  write_bytes(folder / "rdpmend.textproto", "rpc { max_watchers: 3 }");
  EXPECT_EQ(load_config(std::nullopt, folder / "rdpmend.textproto", catalogue())->rpc().max_watchers(), 3u);
}

TEST(LoadConfigTest, rule_files_are_found_beside_the_configuration) {
  TempFolder folder;
  const auto elsewhere = folder / "elsewhere.textproto";
  auto absolute = to_utf8(elsewhere);
  std::replace(absolute.begin(), absolute.end(), '\\', '/');  // A backslash would have to be doubled.
  write_bytes(folder / "a.cfg", "site_rules: \"rules/../site.textproto\"\nsite_rules: \"" + absolute + "\"");
  const auto config = load_config(folder / "a.cfg", "unused", catalogue());
  ASSERT_TRUE(ok(config));
  EXPECT_THAT(config->site_rules(), ElementsAre(to_utf8(folder / "site.textproto"), to_utf8(elsewhere)));
}

TEST(LoadConfigTest, the_error_has_a_line_for_each_mistake) {
  TempFolder folder;
  write_bytes(folder / "a.cfg", "rpc { max_watchers: 9999 }\nlog { keep_files: 999 }");
  const auto config = load_config(folder / "a.cfg", "unused", catalogue());
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, ErrorCode::invalid_argument);
  const auto name = (folder / "a.cfg").string();
  EXPECT_EQ(config.error().what, name + ":1:7: rpc.max_watchers: 9999 is too large. Allowed are 1 to 1000.\n" + name +
                                     ":2:7: log.keep_files: 999 is too large. Allowed are 1 to 100.");
}

TEST(LoadConfigTest, a_huge_file_is_refused) {
  TempFolder folder;
  write_bytes(folder / "a.cfg", std::string(3 << 20, '\n'));
  const auto config = load_config(folder / "a.cfg", "unused", catalogue());
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().what, HasSubstr("larger than 1 MiB"));
}

// --- packaging/config/rdpmend.textproto ---

// "# " begins a setting at its default, "#: " an example, "##" words.
std::string example_config(bool with_examples) {
  std::istringstream lines(bytes_of(test::source_dir() + "/packaging/config/rdpmend.textproto"));
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# ")) text += line.substr(2) + "\n";
    if (line.starts_with("#: ") && with_examples) text += line.substr(3) + "\n";
  }
  return text;
}

TEST(ExampleConfigTest, is_valid_as_it_is) {
  const auto text = bytes_of(test::source_dir() + "/packaging/config/rdpmend.textproto");
  ASSERT_FALSE(text.empty());
  EXPECT_THAT(problems_of(text), IsEmpty());
}

TEST(ExampleConfigTest, its_settings_are_the_defaults) {
  const auto parsed = parse_config("example", example_config(false), catalogue());
  EXPECT_THAT(parsed.problems, IsEmpty());
  EXPECT_TRUE(MessageDifferencer::Equals(parsed.config, default_config())) << parsed.config.DebugString();
}

TEST(ExampleConfigTest, its_examples_are_valid) {
  const auto parsed = parse_config("example", example_config(true), catalogue());
  EXPECT_THAT(parsed.problems, IsEmpty());
  EXPECT_EQ(parsed.config.policy().faults_size(), 1);
  EXPECT_EQ(parsed.config.policy().repair_windows_size(), 1);
}

TEST(ExampleConfigTest, shows_every_field) {
  const auto text = example_config(true);
  std::set<const google::protobuf::Descriptor*> seen;
  const std::function<void(const google::protobuf::Descriptor*)> walk = [&](const auto* message) {
    if (message->full_name() == "google.protobuf.Duration" || !seen.insert(message).second) return;
    for (int i = 0; i < message->field_count(); ++i) {
      const auto* field = message->field(i);
      const std::string name(field->name());
      EXPECT_TRUE(text.find(name + ":") != std::string::npos || text.find(name + " {") != std::string::npos)
          << field->full_name();
      if (field->message_type() != nullptr) walk(field->message_type());
    }
  };
  walk(v1::ServiceConfig::descriptor());
  EXPECT_GE(seen.size(), 8u);
}

}  // namespace
}  // namespace rdpmend
