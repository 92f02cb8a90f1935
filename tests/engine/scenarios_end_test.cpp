// Each scenario ends as its Expect says: with nobody at the console, and with an administrator who approves.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "tests/engine/expectation.hpp"
#include "tests/engine/rehearsed_engine.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_until_quiet = 2h;
constexpr Duration k_quiet = 2h;

// The scenario's changes are made here and not by the host, so that what they change is known.
class ScenarioRun {
 public:
  ScenarioRun(const v1::Scenario& chosen, Administrator administrator)
      : scenario_(chosen), administrator_(administrator), host_(without_later_changes(chosen), {}) {}

  void run() {
    RehearsedEngine engine(host_, journal_);
    Duration passed{};
    for (const auto& change : scenario_.changes()) {
      if (!change.has_after()) continue;
      let_pass(engine, from_proto(change.after()) - passed);
      passed = from_proto(change.after());
      untouched_.edit(change);
    }
    let_pass(engine, k_until_quiet);
    entries_ = journal_.range().last_seq;
    let_pass(engine, k_quiet);
  }

  std::string complaint() const {
    const auto& expect = scenario_.expect();
    std::vector complaints{complaint_about_incidents(expect, book_of(journal_), administrator_)};
    if (administrator_ == Administrator::approves_everything || !waits_for_approval())
      complaints.push_back(complaint_about_lines(expect, untouched_.changed()));
    const auto later = journal_.read(entries_, 1000, 0).value();
    int signals = 0;
    for (const auto& entry : later) {
      // Whenever the listener is asked, a host that cannot make a certificate says so again.
      if (entry.has_signal_raised() && ++signals <= k_quiet / 15min) continue;
      complaints.push_back("although nothing happens any more: " + entry.ShortDebugString());
    }
    std::erase(complaints, "");
    return fmt::format("{}", fmt::join(complaints, "\n"));
  }

 private:
  static v1::Scenario without_later_changes(v1::Scenario scenario) {
    auto& changes = *scenario.mutable_changes();
    changes.erase(std::remove_if(changes.begin(), changes.end(), [](const auto& change) { return change.has_after(); }),
                  changes.end());
    return scenario;
  }

  // What waits for an administrator has changed some of the lines, or none.
  bool waits_for_approval() const {
    return std::ranges::any_of(scenario_.expect().present(), [](const auto& incident) {
      return incident.ends_approved() != v1::INCIDENT_STATE_UNSPECIFIED;
    });
  }

  void let_pass(RehearsedEngine& engine, Duration time) {
    engine.run_until(
        [&] {
          if (administrator_ == Administrator::approves_everything) engine.approve_what_waits();
          return false;
        },
        time);
  }

  const v1::Scenario scenario_;
  const Administrator administrator_;
  sim::SimHost host_;
  sim::MemoryJournal journal_;
  Untouched untouched_{host_};
  std::uint64_t entries_ = 0;
};

std::vector<std::string> scenario_names() {
  std::vector<std::string> names;
  for (const auto& each : sim::scenarios()) names.push_back(each.name());
  return names;
}

class ScenarioEnd : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(, ScenarioEnd, testing::ValuesIn(scenario_names()), [](const auto& test) {
  auto name = test.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST_P(ScenarioEnd, IsAsExpectedWithNobodyAtTheConsole) {
  ScenarioRun run(scenario(GetParam()), Administrator::none);
  run.run();
  EXPECT_EQ(run.complaint(), "");
}

TEST_P(ScenarioEnd, IsAsExpectedWhenEverythingThatWaitsIsApproved) {
  ScenarioRun run(scenario(GetParam()), Administrator::approves_everything);
  run.run();
  EXPECT_EQ(run.complaint(), "");
}

TEST(Expectation, APatternSpeaksOfWhateverStandsInPlaceOfItsStars) {
  EXPECT_TRUE(speaks_of("key file *", "key file MachineKeys\\a key = generation 1"));
  EXPECT_TRUE(speaks_of("registry *Certificate = *", "registry SYSTEM\\SelfSignedCertificate = binary AB"));
  EXPECT_TRUE(speaks_of("service SessionEnv run = stopped", "service SessionEnv run = stopped"));
  EXPECT_FALSE(speaks_of("service SessionEnv", "service SessionEnv run = stopped"));
  EXPECT_FALSE(speaks_of("firewall *-UDP", "firewall RemoteDesktop-UserMode-In-TCP"));
}

// The judge itself is judged: whoever does nothing, or something else, is told so.
TEST(Expectation, IsNotMetByDoingNothing) {
  const auto expect = scenario("certificate-expired").expect();
  EXPECT_EQ(complaint_about_incidents(expect, {}, Administrator::none), "certificate_expired is not found");
  const auto lines = complaint_about_lines(expect, {});
  for (const auto& pattern : expect.leaves_changed()) EXPECT_NE(lines.find("not changed: " + pattern), lines.npos);
  EXPECT_NE(complaint_about_lines(expect, {"service Spooler run = stopped"}).find("must not be: service Spooler"),
            std::string::npos);
}

}  // namespace
}  // namespace rdpmend::test
