// The command line itself: help, mistakes, completion, and the commands that need no service.
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include "agent-lib/support/asio.hpp"
#include "rdpmend/v1/analysis.pb.h"
#include "rdpmend/v1/knowledge.pb.h"
#include "tests/cli/golden.hpp"
#include "tests/cli/run.hpp"
#include "tests/paths.hpp"
#include "tests/service/temp_folder.hpp"

namespace rdpmend::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAreArray;

constexpr const char* k_no_profile = "/no/such/profile";

struct Parser {
  GlobalOptions options;
  Run chosen;
  std::unique_ptr<CLI::App> app = make_parser(options, chosen);
  CLI::App* operator->() const { return app.get(); }
};

std::vector<std::string> command_names() {
  Parser parser;
  std::vector<std::string> names;
  for (const auto* command : parser->get_subcommands({})) names.push_back(command->get_name());
  return names;
}

// "--after", "--since", ... of a command, or of the program itself.
std::set<std::string> options_of(const CLI::App& app) {
  std::set<std::string> names;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.insert("--" + name);
  }
  return names;
}

TEST(Help, OfTheProgram) {
  const auto ran = run({"--help"});
  EXPECT_EQ(ran.exit, 0);
  expect_golden("help", ran.out);
}

TEST(Help, OfEveryCommandHasAnExampleOfIt) {
  EXPECT_EQ(command_names().size(), 20U);
  for (const auto& name : command_names()) {
    const auto ran = run({name, "--help"});
    EXPECT_EQ(ran.exit, 0) << name;
    const auto examples = ran.out.find("Example");
    ASSERT_NE(examples, std::string::npos) << name;
    EXPECT_NE(ran.out.find("  rdpmend " + name, examples), std::string::npos) << ran.out;
    EXPECT_THAT(ran.out, HasSubstr("Usage: rdpmend " + name));
  }
}

TEST(Help, FitsAnEightyColumnTerminal) {
  auto pages = command_names();
  pages.insert(pages.begin(), "");
  for (const auto& name : pages) {
    std::istringstream lines(name.empty() ? run({"--help"}).out : run({name, "--help"}).out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 80U) << name << ": " << line;
  }
}

TEST(Help, ExamplesParse) {
  for (const auto& name : command_names()) {
    std::istringstream lines(run({name, "--help"}).out);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("  rdpmend ")) continue;
      Parser parser;
      // What a shell would take away: a pipe, a second command.
      const auto command = line.substr(2, line.find_first_of("|&") - 2);
      EXPECT_NO_THROW(parser->parse(command, true)) << command;
    }
  }
}

TEST(Usage, MistakesExitWithOneAndSayWhereHelpIs) {
  const std::vector<std::vector<std::string>> mistakes{
      {},
      {"nosuch"},
      {"show"},
      {"show", "abc"},
      {"show", "-1"},
      {"show", "99999999999999999999"},
      {"journal", "--after", "18446744073709551616"},
      {"journal", "--limit", "99999999999999999999"},
      {"watch", "--after", "99999999999999999999"},
      {"dismiss", "99999999999999999999"},
      {"status", "--timeout", "99999999999999999999"},
      {"status", "extra"},
      {"status", "--nosuch"},
      {"status", "--format", "xml"},
      {"status", "--timeout", "0"},
      {"probe", "x", "--request", "16"},
      {"probe", "x", "--incident", "42"},
      {"watch", "--after", "1", "--from-start"},
      {"explain", "nonsense"},
      {"probe", "host:99999"},
  };
  for (const auto& arguments : mistakes) {
    const auto ran = run(arguments);
    EXPECT_EQ(ran.exit, 1) << testing::PrintToString(arguments) << ran.err;
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, StartsWith("rdpmend: ")) << testing::PrintToString(arguments);
  }
}

TEST(Usage, GlobalOptionsStandBeforeOrBehindTheCommand) {
  EXPECT_EQ(run({"--profile", k_no_profile, "status"}).err, run({"status", "--profile", k_no_profile}).err);
}

TEST(Usage, HelpAndVersionThatCannotBeWrittenAreErrors) {
  for (const auto* what : {"--help", "--version"}) {
    const auto ran = run_on_full_disk({what});
    EXPECT_EQ(ran.exit, 2) << what;
    EXPECT_THAT(ran.err, HasSubstr("standard output cannot be written"));
  }
}

TEST(Usage, AnAnalysisThatCannotBeWrittenIsAnError) {
  const TempFolder folder;
  const auto file = folder.path() / "empty.xml";
  std::ofstream(file) << "<Events/>";
  EXPECT_EQ(run({"analyze", to_utf8(file)}).exit, 0);
  EXPECT_EQ(run_on_full_disk({"analyze", to_utf8(file)}).exit, 2);
  EXPECT_EQ(run_on_full_disk({"analyze", to_utf8(file), "--format", "json"}).exit, 2);
}

TEST(Usage, VersionIsOneLine) {
  const auto ran = run({"--version"});
  EXPECT_EQ(ran.exit, 0);
  EXPECT_EQ(ran.out, "rdpmend " RDPMEND_VERSION "\n");
}

TEST(Explain, WithoutAServiceSaysHowToAskTheHost) {
  const auto ran = run({"explain", "0x904", "0x7", "--profile", k_no_profile});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("0x904 0x7"), HasSubstr("does not say"), HasSubstr("rdpmend diagnose")));
}

TEST(Explain, AsJsonIsTheExplanationAlone) {
  const auto ran = run({"explain", "2308", "--format", "json", "--profile", k_no_profile});
  v1::Explanation explanation;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(ran.out, &explanation).ok()) << ran.out;
  EXPECT_EQ(explanation.code(), 0x904U);
}

TEST(Probe, AClosedPortExitsWithTwo) {
  asio::io_context io;
  asio::ip::tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
  const auto target = "127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
  acceptor.close();
  const auto ran = run({"probe", target, "--deadline", "5"});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.out, AllOf(HasSubstr(target), HasSubstr("failed")));
  v1::ProbeReport report;
  EXPECT_TRUE(
      google::protobuf::util::JsonStringToMessage(run({"probe", target, "--format", "json"}).out, &report).ok());
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_REFUSED);
}

TEST(Analyze, RealEventsAreReadWithoutLosingOne) {
  const std::string file = test::source_dir() + "/../shared/evtx/examples.xml";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file;
  const auto ran = run({"analyze", file, "--format", "json"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  v1::AnalysisReport report;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(ran.out, &report).ok()) << ran.out;
  EXPECT_EQ(report.events_read(), 164U);
  EXPECT_EQ(report.problem_count(), 0U);
}

TEST(Analyze, UnreadableEventsExitWithTwo) {
  const TempFolder folder;
  write_bytes(folder / "cut.xml", "<Event><System><EventID>1057</EventID>");
  const auto ran = run({"analyze", to_utf8(folder / "cut.xml")});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.out, HasSubstr("cut.xml:1"));
}

TEST(Analyze, AMissingFileExitsWithTwo) {
  const auto ran = run({"analyze", "/no/such.xml"});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("/no/such.xml"));
}

TEST(Analyze, AWrongRulesFileIsNamedAndTheFileStillRead) {
  const TempFolder folder;
  write_bytes(folder / "e.xml",
              "<Event><System><Provider Name='x'/><EventID>1</EventID><Channel>System</Channel></System></Event>");
  write_bytes(folder / "site.textproto", "rules { id: \"x\" nosuch: 1 }");
  const auto ran = run({"analyze", to_utf8(folder / "e.xml"), "--rules", to_utf8(folder / "site.textproto")});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("site.textproto:1"));
  EXPECT_THAT(ran.out, HasSubstr("1 event"));
}

// --- bash completion, asked as bash asks it ---

class Completion : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("bash -c :") != 0) GTEST_SKIP() << "there is no bash here";
  }
};

std::vector<std::string> completions(const std::vector<std::string>& words) {
  const std::string script = test::source_dir() + "/packaging/completion/rdpmend.bash";
  std::string command = "bash --norc -c 'source " + script + "; COMP_WORDS=(";
  for (const auto& word : words) command += "\"" + word + "\" ";
  command += "); COMP_CWORD=" + std::to_string(words.size() - 1) + "; _rdpmend; printf \"%s\\n\" \"${COMPREPLY[@]}\"'";
  std::vector<std::string> found;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return found;
  std::string line;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
    if (c != '\n') {
      line += static_cast<char>(c);
    } else if (!line.empty()) {
      found.push_back(std::exchange(line, {}));
    }
  }
  EXPECT_EQ(pclose(pipe), 0);
  return found;
}

TEST_F(Completion, KnowsAllCommands) {
  EXPECT_THAT(completions({"rdpmend", ""}), UnorderedElementsAreArray(command_names()));
  EXPECT_THAT(completions({"rdpmend", "--format", "json", "di"}), UnorderedElementsAreArray({"diagnose", "dismiss"}));
}

TEST_F(Completion, KnowsExactlyTheOptionsOfEachCommand) {
  Parser parser;
  for (const auto* command : parser->get_subcommands({})) {
    auto expected = options_of(*parser.app);
    expected.merge(options_of(*command));
    EXPECT_THAT(completions({"rdpmend", command->get_name(), "--"}), UnorderedElementsAreArray(expected))
        << command->get_name();
  }
}

TEST_F(Completion, KnowsWhichOptionsTakeAValue) {
  Parser parser;
  auto apps = std::vector<const CLI::App*>{parser.app.get()};
  for (const auto* command : parser->get_subcommands({})) apps.push_back(command);
  for (const auto* app : apps) {
    for (const auto* option : app->get_options()) {
      if (option->get_positional()) continue;
      // Behind an option with a value no command is offered; behind a flag all are.
      const auto offered = completions({"rdpmend", "--" + option->get_lnames().front(), "value", "stat"});
      const bool takes_value = option->get_items_expected_max() > 0;
      EXPECT_EQ(offered == std::vector<std::string>{"status"}, takes_value) << option->get_lnames().front();
    }
  }
}

TEST_F(Completion, KnowsTheFormats) {
  EXPECT_THAT(completions({"rdpmend", "status", "--format", ""}), UnorderedElementsAreArray({"table", "json"}));
  EXPECT_THAT(completions({"rdpmend", "health", "--format", ""}),
              UnorderedElementsAreArray({"table", "json", "junit", "avd"}));
}

}  // namespace
}  // namespace rdpmend::cli
