// The unchanged Windows programs on the laboratory host: what an administrator does, what a client sees.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <thread>

#include "tests/e2e/plain_rdp_client.hpp"
#include "tests/paths.hpp"
#include "tests/wine/laboratory.hpp"

namespace rdpmend::wine {
namespace {

using namespace std::chrono_literals;
using e2e::see_certificate;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::uint16_t k_rdp_port = 3389;
constexpr char k_tcp_rule[] = "RemoteDesktop-UserMode-In-TCP";

class WineLaboratory : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto missing = Laboratory::missing()) GTEST_SKIP() << *missing;
    host.emplace();
    ASSERT_FALSE(HasFailure()) << "the laboratory does not run";
    host->install_service();
    ASSERT_TRUE(host->start_service()) << host->service_state();
    ASSERT_TRUE(see_certificate(k_rdp_port)) << "the laboratory's listener is not healthy";
  }

  // A line of `lab.exe show`, without its name.
  std::string shown(const std::string& name) const {
    const auto text = host->lab({"show"});
    std::smatch match;
    return std::regex_search(text, match, std::regex("(?:^|\n)" + name + ": ([^\r\n]*)")) ? match[1].str() : "";
  }
  v1::RepairEnded wait_for_repair() const {
    const auto ended = host->wait_for_entry([](const auto& entry) { return entry.has_repair_ended(); });
    return ended ? ended->repair_ended() : v1::RepairEnded();
  }
  // Certificate over, its key locked away; then a client comes, and the host itself notices.
  void break_certificate() const {
    host->lab({"expire-certificate"});
    host->lab({"deny-key"});
    EXPECT_FALSE(see_certificate(k_rdp_port));
  }
  void expect_whole_journal() const { EXPECT_EQ(host->cli({"journal", "--verify"}).exit_code, 0); }

  std::optional<Laboratory> host;
};

TEST_F(WineLaboratory, AnExpiredCertificateWithADeniedKeyIsHealed) {
  const auto before = see_certificate(k_rdp_port);
  break_certificate();
  const auto opened = host->wait_for_entry([](const auto& entry) { return entry.has_incident_opened(); });
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->incident_opened().diagnosis().fault_id(), "certificate_expired");
  EXPECT_EQ(wait_for_repair().outcome(), v1::RepairEnded::OUTCOME_REPAIRED);

  const auto after = see_certificate(k_rdp_port);
  ASSERT_TRUE(after);
  EXPECT_TRUE(after->valid_now);
  EXPECT_NE(after->sha256, before->sha256);
  EXPECT_GT(std::stoi(shown("certificate-days-left")), 100);
  // SYSTEM full, NETWORK SERVICE read.
  EXPECT_THAT(shown("key-access"), HasSubstr("(A;;FA;;;SY)"));
  EXPECT_THAT(shown("key-access"), HasSubstr(";;;NS)"));
  EXPECT_THAT(host->lab({"events", "System"}), HasSubstr(">1056<"));
  expect_whole_journal();
}

TEST_F(WineLaboratory, ADisabledFirewallRuleIsEnabledAgain) {
  host->lab({"disable-firewall-rule", k_tcp_rule});
  EXPECT_EQ(wait_for_repair().outcome(), v1::RepairEnded::OUTCOME_REPAIRED);
  EXPECT_TRUE(see_certificate(k_rdp_port));
  EXPECT_THAT(shown(std::string("rule ") + k_tcp_rule), HasSubstr("|Active=TRUE|"));
  const auto entries = host->journal();
  const auto signal = std::find_if(entries.begin(), entries.end(), [](const auto& entry) {
    return entry.has_signal_raised() && entry.signal_raised().signal().event_id() == 2005;
  });
  ASSERT_NE(signal, entries.end());
  EXPECT_EQ(signal->signal_raised().signal().captures().at("rule_id"), k_tcp_rule);
  EXPECT_THAT(signal->signal_raised().signal().captures().at("modifying_application"), HasSubstr("lab.exe"));
}

TEST_F(WineLaboratory, AnEventOfARealHostBecomesASignal) {
  std::ifstream file(test::source_dir() + "/../shared/evtx/examples.xml");
  const std::string all(std::istreambuf_iterator<char>(file), {});
  // Event 1056 of a real host: the listener's certificate was made.
  const auto id = all.find(">1056</EventID>");
  if (id == std::string::npos) GTEST_SKIP() << "../shared/evtx/examples.xml is not here";
  const auto begin = all.rfind("<Event ", id), end = all.find("</Event>", id);
  std::ofstream(host->c_drive() / "event.xml") << all.substr(begin, end + 8 - begin);
  host->lab({"append-event", R"(C:\event.xml)"});
  const auto raised = host->wait_for_entry([](const auto& entry) {
    return entry.has_signal_raised() && entry.signal_raised().signal().event_id() == 1056;
  });
  ASSERT_TRUE(raised);
  EXPECT_THAT(raised->signal_raised().signal().captures().at("thumbprint"), testing::SizeIs(40));
}

TEST_F(WineLaboratory, AClearedLogIsAGapAndTheServiceReadsOn) {
  host->lab({"clear-log", "System"});
  break_certificate();
  EXPECT_EQ(wait_for_repair().outcome(), v1::RepairEnded::OUTCOME_REPAIRED);
}

TEST_F(WineLaboratory, StoppedInTheMiddleOfARepairItSettlesTheIncidentWhenItStartsAgain) {
  ChildProcess watch(host->cli_command({"watch", "--from-start", "--format", "json"}));
  break_certificate();
  ASSERT_TRUE(watch.wait_for_line([](const auto& line) { return line.find("step_intended") != line.npos; }, k_patience))
      << watch.standard_output() << watch.standard_error();
  ASSERT_TRUE(host->stop_service(30s)) << host->service_state();
  ASSERT_TRUE(host->start_service());
  host->wait_for_entry([](const auto& entry) { return entry.has_repair_ended(); });
  EXPECT_TRUE(see_certificate(k_rdp_port));
  expect_whole_journal();
}

// Wine's service control manager does not restart what has failed, so the test starts it again.
TEST_F(WineLaboratory, KilledInTheMiddleOfARepairItSettlesTheIncidentWhenItStartsAgain) {
  {
    ChildProcess watch(host->cli_command({"watch", "--from-start", "--format", "json"}));
    break_certificate();
    ASSERT_TRUE(
        watch.wait_for_line([](const auto& line) { return line.find("step_intended") != line.npos; }, k_patience))
        << watch.standard_output() << watch.standard_error();
    host->kill_service();
  }
  EXPECT_FALSE(host->answers());
  EXPECT_THAT(host->service_state(), testing::StartsWith("stopped"));
  ASSERT_TRUE(host->start_service());
  host->wait_for_entry([](const auto& entry) { return entry.has_repair_ended(); });
  expect_whole_journal();
  const auto entries = host->journal();
  EXPECT_EQ(std::count_if(entries.begin(), entries.end(), [](const auto& e) { return e.has_service_started(); }), 2);
  EXPECT_TRUE(see_certificate(k_rdp_port));
}

TEST_F(WineLaboratory, ItStopsWithin15SecondsUnderLoad) {
  // Events of the kind that rules look at, as fast as they can be written, and clients that watch.
  const auto event = host->lab({"events", "System"});
  std::ofstream(host->c_drive() / "event.xml") << event.substr(0, event.find('\n'));
  ChildProcess flood(host->wine_command({R"(C:\laboratory\lab.exe)", "append-event", R"(C:\event.xml)", "5000"}),
                     host->environment());
  std::vector<std::unique_ptr<ChildProcess>> watchers;
  for (int i = 0; i < 4; ++i)
    watchers.push_back(std::make_unique<ChildProcess>(host->cli_command({"watch", "--from-start"})));
  for (auto& watcher : watchers) ASSERT_TRUE(watcher->wait_for_line([](const auto&) { return true; }, k_patience));
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(host->stop_service(30s)) << host->service_state();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 15s);
  EXPECT_THAT(host->service_state(), HasSubstr("exit code 0"));
}

TEST_F(WineLaboratory, InstallingItAgainKeepsKeysAndJournal) {
  const auto before = host->journal();
  ASSERT_TRUE(host->stop_service(30s));
  host->install_service();
  ASSERT_TRUE(host->start_service());  // With the profile of before.
  const auto after = host->journal();
  ASSERT_GT(after.size(), before.size());
  EXPECT_EQ(after.front().hash(), before.front().hash());
  expect_whole_journal();
}

TEST_F(WineLaboratory, UninstallingItLeavesNoServiceAndNoEventSource) {
  const Finished done = host->wine({R"(C:\Program Files\rdpmend\rdpmendd.exe)", "uninstall"});
  EXPECT_EQ(done.exit_code, 0) << done.standard_error;
  EXPECT_THAT(host->service_state(), IsEmpty());
  const Finished source = host->wine(
      {"reg", "query", R"(HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\rdpmend)"});
  EXPECT_NE(source.exit_code, 0) << source.standard_output;
}

}  // namespace
}  // namespace rdpmend::wine
