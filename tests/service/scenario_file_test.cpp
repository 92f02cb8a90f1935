// A scenario of the user's own: what it may say, and where it is wrong.
#include "service/scenario_file.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "agent-lib/sim/sim_host.hpp"
#include "agent-lib/support/textproto.hpp"
#include "tests/paths.hpp"
#include "tests/service/temp_folder.hpp"

namespace rdpmend {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

std::vector<std::string> wrong_in(const std::string& text) {
  return parse_scenario("mine.textproto", text, Catalogue::built_in()).problems;
}

TEST(ScenarioFile, EveryBuiltInScenarioMayBeGivenAsAFile) {
  int files = 0;
  const std::filesystem::path agent = test::source_dir() + "/agent-lib";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(agent)) {
    const auto& path = entry.path();
    if (path.filename() != "scenario.textproto" && path.parent_path().filename() != "scenarios") continue;
    const auto scenario = load_scenario(path, Catalogue::built_in());
    EXPECT_TRUE(scenario) << to_string(scenario.error());
    ++files;
  }
  EXPECT_GE(files, 15);
}

TEST(ScenarioFile, IsAHealthyHostIfItSaysNothing) {
  const TempFolder folder;
  std::ofstream(folder / "ours.textproto");
  const auto scenario = load_scenario(folder / "ours.textproto", Catalogue::built_in());
  ASSERT_TRUE(scenario) << to_string(scenario.error());
  EXPECT_EQ(scenario->name(), "ours");
  sim::SimHost host(*scenario, {});
  EXPECT_TRUE(host.client_connects());
}

TEST(ScenarioFile, TellsEveryMistakeAtItsPlace) {
  EXPECT_THAT(wrong_in("sessions: 1\nsesions: 2\nchanges { story: 7 }\n"),
              ElementsAre(AllOf(StartsWith("mine.textproto:2:"), HasSubstr("sesions")),
                          AllOf(StartsWith("mine.textproto:3:"), HasSubstr("7"))));
}

TEST(ScenarioFile, TellsWhatTheHostCannotPlayAtItsPlace) {
  const auto problems = wrong_in(R"(sessions: 5000
changes {
  after { seconds: 9 }
  services { name: "NoSuchService" running: false }
  events { channel: "System" event_id: 7031 }
}
changes {
  after { seconds: 3 }
  registry { key: "SYSTEM\\Setup" name: "X" dword: 1 }
  events { channel: "C" provider: "P" event_id: 1 times: 20000 user_data: "<x>" }
}
expect { present { fault_id: "no_such_fault" } }
)");
  EXPECT_THAT(problems,
              ElementsAre(AllOf(StartsWith("mine.textproto:1:1: sessions"), HasSubstr("1000")),
                          AllOf(StartsWith("mine.textproto:4:14: name"), HasSubstr("NoSuchService")),
                          AllOf(StartsWith("mine.textproto:5:3: provider"), HasSubstr("Provider/@Name")),
                          AllOf(StartsWith("mine.textproto:8:3: after"), HasSubstr("order")),
                          AllOf(StartsWith("mine.textproto:9:14: key"), HasSubstr("HKLM")),
                          AllOf(StartsWith("mine.textproto:10:51: times"), HasSubstr("10000")),
                          AllOf(StartsWith("mine.textproto:10:64: user_data"), HasSubstr("XML")),
                          AllOf(StartsWith("mine.textproto:12:20: fault_id"), HasSubstr("certificate_expired"))));
}

TEST(ScenarioFile, RefusesTimesThatNoClockHolds) {
  EXPECT_THAT(wrong_in("changes { certificate { expires_in { seconds: 300000000000 } } }"),
              ElementsAre(AllOf(StartsWith("mine.textproto:1:25:"), HasSubstr("hundred years"))));
  EXPECT_THAT(wrong_in("changes { after { seconds: -1 } }"), ElementsAre(HasSubstr("comes after the start")));
}

TEST(ScenarioFile, BoundsWhatItReadsAndWhatItTells) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += "expect { present { fault_id: \"x\" } }\n";
  EXPECT_THAT(wrong_in("expect { " + std::string(100, ' ') + "}"), IsEmpty());
  EXPECT_LE(wrong_in(many).size(), k_max_textproto_errors);

  const TempFolder folder;
  std::ofstream(folder / "large") << std::string(k_max_textproto_bytes + 10, '#');
  const auto large = load_scenario(folder / "large", Catalogue::built_in());
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::invalid_argument);

  const auto absent = load_scenario(folder / "absent", Catalogue::built_in());
  ASSERT_FALSE(absent);
  EXPECT_THAT(to_string(absent.error()), AllOf(HasSubstr("absent"), HasSubstr("name of a built-in scenario")));
}

}  // namespace
}  // namespace rdpmend
