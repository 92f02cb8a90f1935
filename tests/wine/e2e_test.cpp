// The unchanged Windows programs on the laboratory host: what an administrator does, what a client sees.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <thread>
#include <vector>

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
constexpr char k_system[] = "S-1-5-18", k_network_service[] = "S-1-5-20";
constexpr char k_tcp_rule[] = "RemoteDesktop-UserMode-In-TCP";

class WineLaboratory : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto missing = Laboratory::missing()) GTEST_SKIP() << *missing;
    host.emplace(build());
    ASSERT_FALSE(HasFailure()) << "the laboratory does not run";
    host->install_service();
    ASSERT_TRUE(host->start_service()) << host->service_state();
    ASSERT_TRUE(see_certificate(k_rdp_port)) << "the laboratory's listener is not healthy";
  }

  virtual std::uint32_t build() const { return k_server_2022; }

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
  // Of a fault's first incident.
  v1::RepairEnded wait_for_repair_of(const std::string& fault_id) const {
    const auto opened = host->wait_for_entry([&](const auto& entry) {
      return entry.has_incident_opened() && entry.incident_opened().diagnosis().fault_id() == fault_id;
    });
    if (!opened) return {};
    const auto ended = host->wait_for_entry(
        [&](const auto& entry) { return entry.has_repair_ended() && entry.incident_id() == opened->seq(); });
    return ended ? ended->repair_ended() : v1::RepairEnded();
  }
  // The entries of the key file's list, in whatever order.
  std::vector<std::string> key_entries() const {
    const auto list = shown("key-access");
    const std::regex entry(R"(\([^)]*\))");
    std::vector<std::string> entries;
    for (std::sregex_iterator at(list.begin(), list.end(), entry), end; at != end; ++at) entries.push_back(at->str());
    std::sort(entries.begin(), entries.end());
    return entries;
  }
  // The listener's key is locked away; then a client comes, and the host itself notices.
  void break_key() const {
    host->lab({"deny-key"});
    EXPECT_FALSE(see_certificate(k_rdp_port));
  }
  void restart(const std::string& service) const {
    host->lab({"stop-service", service});
    expect_state(service, "stopped");
    host->lab({"start-service", service});
  }
  void expect_state(const std::string& service, const std::string& state) const {
    for (int i = 0; i < 100 && !host->lab({"service", service}).starts_with(state); ++i)
      std::this_thread::sleep_for(100ms);
    EXPECT_THAT(host->lab({"service", service}), testing::StartsWith(state)) << service;
  }
  // What was found half done has ended one way or the other: repaired, or put back as it was.
  void expect_settled(const std::string& access_before) const {
    const auto outcome = wait_for_repair().outcome();
    if (outcome == v1::RepairEnded::OUTCOME_REPAIRED) {
      EXPECT_TRUE(see_certificate(k_rdp_port));
    } else {
      EXPECT_EQ(outcome, v1::RepairEnded::OUTCOME_ROLLED_BACK);
      EXPECT_EQ(shown("key-access"), access_before);
    }
    expect_whole_journal();
  }
  void expect_whole_journal() const { EXPECT_EQ(host->cli({"journal", "--verify"}).exit_code, 0); }

  std::optional<Laboratory> host;
};

// On hosts with the key list of an old and of a new build.
class WineKeyFile : public WineLaboratory, public testing::WithParamInterface<std::uint32_t> {
 protected:
  std::uint32_t build() const override { return GetParam(); }

  // The SIDs' entries go from the list of a key whose certificate is valid.
  void expect_healed_with_the_same_certificate(const std::vector<std::string>& sids) const {
    const auto certificate = see_certificate(k_rdp_port);
    const auto thumbprint = shown("certificate");
    const auto entries = key_entries();
    std::vector<std::string> command{"deny-key"};
    command.insert(command.end(), sids.begin(), sids.end());
    host->lab(command);
    EXPECT_FALSE(see_certificate(k_rdp_port)) << "nothing is broken";
    EXPECT_EQ(wait_for_repair_of("certificate_key_unreadable").outcome(), v1::RepairEnded::OUTCOME_REPAIRED);

    const auto after = see_certificate(k_rdp_port);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->sha256, certificate->sha256);
    EXPECT_EQ(shown("certificate"), thumbprint);
    EXPECT_EQ(key_entries(), entries);
    expect_whole_journal();
  }
};

TEST_P(WineKeyFile, AListenerThatMayNotReadItsKeyServesTheSameCertificateAgain) {
  expect_healed_with_the_same_certificate({k_network_service});
}

TEST_P(WineKeyFile, SoItDoesWhereSystemMayNotEither) {
  expect_healed_with_the_same_certificate({k_system, k_network_service});
}

TEST_P(WineKeyFile, ThatSystemAloneMayNotUseIsNoIncidentUntilARenewalNeedsIt) {
  const auto entries = key_entries();
  const auto before = see_certificate(k_rdp_port);
  host->lab({"deny-key", k_system});
  EXPECT_TRUE(see_certificate(k_rdp_port));
  EXPECT_EQ(host->cli({"diagnose"}).exit_code, 0);
  const auto so_far = host->journal();
  EXPECT_TRUE(
      std::none_of(so_far.begin(), so_far.end(), [](const auto& entry) { return entry.has_incident_opened(); }));

  host->lab({"expire-certificate"});
  host->lab({"deny-key", k_system});
  restart("SessionEnv");  // Which looks at its certificate when it starts.
  EXPECT_EQ(wait_for_repair_of("certificate_expired").outcome(), v1::RepairEnded::OUTCOME_REPAIRED);
  const auto after = see_certificate(k_rdp_port);
  ASSERT_TRUE(after);
  EXPECT_TRUE(after->valid_now);
  EXPECT_NE(after->sha256, before->sha256);
  EXPECT_EQ(key_entries(), entries);
}

INSTANTIATE_TEST_SUITE_P(OfABuild, WineKeyFile, testing::Values(k_server_2016, k_server_2022),
                         [](const auto& build) { return std::to_string(build.param); });

// SessionEnv cannot make a new one although a trial key can be made, and takes the old key with it.
TEST_F(WineLaboratory, ARenewalThatFailsInTheMiddleLeavesTheHostNoWorse) {
  host->lab({"behave", "CreationFails", "FailedCreationTakesOldKey"});
  host->lab({"expire-certificate"});
  const auto entries = key_entries();
  host->lab({"deny-key", k_system});  // So that the old key survives until its own repair lets SessionEnv at it.
  const auto before = see_certificate(k_rdp_port);
  ASSERT_TRUE(before);
  restart("SessionEnv");  // Which looks at its certificate when it starts.
  EXPECT_EQ(wait_for_repair_of("certificate_expired").outcome(), v1::RepairEnded::OUTCOME_ROLLED_BACK);
  EXPECT_THAT(host->lab({"events", "System"}), HasSubstr(">1057<"));
  const auto after = see_certificate(k_rdp_port);
  ASSERT_TRUE(after) << "the host serves nothing any more";
  EXPECT_EQ(after->sha256, before->sha256);
  EXPECT_EQ(key_entries(), entries);
  expect_whole_journal();
}

// Damage, or a decision against self-signed certificates: nobody here can tell (measured.md C6).
TEST_F(WineLaboratory, AStoreThatDeniesSystemIsReportedAndLeftAlone) {
  host->cli({"diagnose"});  // Its first look is over: none falls in the middle of what follows.
  host->lab({"expire-certificate"});
  host->lab({"deny-store"});
  const auto certificate = shown("certificate");
  restart("SessionEnv");
  const auto opened = host->wait_for_entry([](const auto& entry) { return entry.has_incident_opened(); });
  ASSERT_TRUE(opened);
  const auto& diagnosis = opened->incident_opened().diagnosis();
  EXPECT_EQ(diagnosis.fault_id(), "certificate_store_denied");
  EXPECT_FALSE(diagnosis.repairable());
  EXPECT_THAT(diagnosis.advice(), HasSubstr("denies SYSTEM"));
  EXPECT_EQ(shown("certificate"), certificate);
}

TEST_F(WineLaboratory, AnExpiredCertificateWithADeniedKeyIsHealed) {
  const auto before = see_certificate(k_rdp_port);
  host->lab({"expire-certificate"});
  break_key();  // The client that is cut off makes TermService ask SessionEnv for another certificate.
  EXPECT_EQ(wait_for_repair_of("certificate_expired").outcome(), v1::RepairEnded::OUTCOME_REPAIRED);

  const auto after = see_certificate(k_rdp_port);
  ASSERT_TRUE(after);
  EXPECT_TRUE(after->valid_now);
  EXPECT_NE(after->sha256, before->sha256);
  EXPECT_GT(std::stoi(shown("certificate-days-left")), 100);
  // SYSTEM full, NETWORK SERVICE read.
  EXPECT_THAT(shown("key-access"), HasSubstr("(A;;FA;;;SY)"));
  EXPECT_THAT(shown("key-access"), HasSubstr("(A;;FR;;;NS)"));
  EXPECT_THAT(host->lab({"events", "System"}), HasSubstr(">1056<"));
  expect_whole_journal();
}

// The host that makes a restart of TermService find more dependents than there were.
TEST_F(WineLaboratory, TheServiceThatAClientTriggersRunsAgainSoonAfterTermService) {
  host->lab({"stop-service", "UmRdpService"});
  expect_state("UmRdpService", "stopped");
  restart("TermService");
  expect_state("TermService", "running");
  expect_state("UmRdpService", "stopped");
  host->lab({"behave", "UmRdpServiceComesBack"});
  restart("TermService");
  expect_state("UmRdpService", "running");
}

TEST_F(WineLaboratory, ADisabledFirewallRuleIsEnabledAgain) {
  host->cli({"diagnose"});  // It repairs unasked what it has seen enabled.
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

// That another profile's rule is enabled says nothing of the network that clients come from.
TEST_F(WineLaboratory, ARuleThatIsDisabledForTheActiveProfileAloneIsEnabledAgain) {
  host->lab({"split-firewall-rule", k_tcp_rule});
  host->cli({"diagnose"});
  host->lab({"disable-firewall-rule", k_tcp_rule});
  EXPECT_EQ(wait_for_repair().outcome(), v1::RepairEnded::OUTCOME_REPAIRED);
  EXPECT_TRUE(see_certificate(k_rdp_port));
  EXPECT_THAT(shown(std::string("rule ") + k_tcp_rule), HasSubstr("|Active=TRUE|"));
  EXPECT_THAT(shown(std::string("rule ") + k_tcp_rule + "-elsewhere"), HasSubstr("|Active=TRUE|"));
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
  const auto raised = host->wait_for_entry(
      [](const auto& entry) { return entry.has_signal_raised() && entry.signal_raised().signal().event_id() == 1056; });
  ASSERT_TRUE(raised);
  EXPECT_THAT(raised->signal_raised().signal().captures().at("thumbprint"), testing::SizeIs(40));
}

TEST_F(WineLaboratory, AClearedLogIsAGapAndTheServiceReadsOn) {
  host->lab({"clear-log", "System"});
  break_key();
  EXPECT_EQ(wait_for_repair().outcome(), v1::RepairEnded::OUTCOME_REPAIRED);
}

// Nothing signals any more. That its subscriptions are dead the service must find by itself.
TEST_F(WineLaboratory, AnEventLogThatRestartedBeforeTheEventIsReadOnAndTheHostHealed) {
  host->lab({"restart-event-log"});
  break_key();
  EXPECT_EQ(wait_for_repair_of("certificate_key_unreadable").outcome(), v1::RepairEnded::OUTCOME_REPAIRED);
  EXPECT_TRUE(see_certificate(k_rdp_port));
  const auto entries = host->journal();
  EXPECT_TRUE(std::any_of(entries.begin(), entries.end(), [](const auto& entry) {
    return entry.has_channel_reopened() && entry.channel_reopened().channel() == "System";
  }));
  EXPECT_TRUE(std::none_of(entries.begin(), entries.end(), [](const auto& entry) { return entry.has_event_gap(); }))
      << "no record is missing";
  expect_whole_journal();
}

TEST_F(WineLaboratory, StoppedInTheMiddleOfARepairItSettlesTheIncidentWhenItStartsAgain) {
  ChildProcess watch(host->cli_command({"watch", "--from-start", "--format", "json"}));
  break_key();
  const auto locked = shown("key-access");
  ASSERT_TRUE(watch.wait_for_line([](const auto& line) { return line.find("step_intended") != line.npos; }, k_patience))
      << watch.standard_output() << watch.standard_error();
  ASSERT_TRUE(host->stop_service(30s)) << host->service_state();
  ASSERT_TRUE(host->start_service());
  expect_settled(locked);
}

// Wine's service control manager does not notice that a process has died, and restarts nothing: the test does.
TEST_F(WineLaboratory, KilledInTheMiddleOfARepairItSettlesTheIncidentWhenItStartsAgain) {
  std::string locked;
  {
    ChildProcess watch(host->cli_command({"watch", "--from-start", "--format", "json"}));
    break_key();
    locked = shown("key-access");
    ASSERT_TRUE(
        watch.wait_for_line([](const auto& line) { return line.find("step_intended") != line.npos; }, k_patience))
        << watch.standard_output() << watch.standard_error();
    host->kill_service();
  }
  EXPECT_FALSE(host->answers());
  ASSERT_TRUE(host->start_service());
  expect_settled(locked);
  const auto entries = host->journal();
  EXPECT_EQ(std::count_if(entries.begin(), entries.end(), [](const auto& e) { return e.has_service_started(); }), 2);
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
  ASSERT_TRUE(host->start_service());  // With the profile of before, since it keeps the state folder that it had.
  const auto after = host->journal();
  ASSERT_GT(after.size(), before.size());
  EXPECT_EQ(after.front().SerializeAsString(), before.front().SerializeAsString());
  expect_whole_journal();
}

TEST_F(WineLaboratory, InstallingItAgainKeepsTheStateFolderThatItWasGiven) {
  constexpr const char* k_program = R"(C:\Program Files\rdpmend\rdpmendd.exe)";
  ASSERT_TRUE(host->stop_service(30s));
  const Finished moved = host->wine({k_program, "install", "--state", "C:\\else where \u00e4 \u0436 \u6f22\\"});
  ASSERT_EQ(moved.exit_code, 0) << moved.standard_error;
  const Finished again = host->wine({k_program, "install"});
  ASSERT_EQ(again.exit_code, 0) << again.standard_error;
  EXPECT_THAT(again.standard_output, HasSubstr("C:\\else where \u00e4 \u0436 \u6f22"));
  host->lab({"start-service", "rdpmend"});
  EXPECT_TRUE(host->wait_until_running()) << host->service_state();
  EXPECT_TRUE(std::filesystem::exists(host->c_drive() / "else where \u00e4 \u0436 \u6f22" / "journal.sqlite"));
}

TEST_F(WineLaboratory, UninstallingItLeavesNoServiceAndNoEventSource) {
  const Finished done = host->wine({R"(C:\Program Files\rdpmend\rdpmendd.exe)", "uninstall"});
  EXPECT_EQ(done.exit_code, 0) << done.standard_error;
  EXPECT_THAT(host->service_state(), IsEmpty());
  const Finished source =
      host->wine({"reg", "query", R"(HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\rdpmend)"});
  EXPECT_NE(source.exit_code, 0) << source.standard_output;
}

// With the installer, without anybody at the keyboard.
class WinePackage : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto missing = Laboratory::missing()) GTEST_SKIP() << *missing;
    host.emplace();
    ASSERT_FALSE(HasFailure()) << "the laboratory does not run";
    package = Laboratory::build_package(host->folder(), "1.0.0");
    if (!package) GTEST_SKIP() << "the installer cannot be built here: wixl and msitools are missing";
    const Finished installed = host->msiexec("/i", *package);
    ASSERT_EQ(installed.exit_code, 0) << installed.standard_error;
    ASSERT_TRUE(host->wait_until_up()) << "the installer has not started the service: " << host->service_state();
  }

  std::optional<Laboratory> host;
  std::optional<std::filesystem::path> package;
};

TEST_F(WinePackage, TheTextsOfItsEventsAreInALibraryOfTheirOwn) {
  const Finished source =
      host->wine({"reg", "query", R"(HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\rdpmend)", "/v",
                  "EventMessageFile"});
  EXPECT_THAT(source.standard_output, HasSubstr(R"(C:\Program Files\rdpmend\rdpmend-messages.dll)"));
  EXPECT_TRUE(std::filesystem::exists(host->c_drive() / "Program Files" / "rdpmend" / "rdpmend-messages.dll"));
}

// As after a scanner's quarantine: nothing of ours is left to remove the service.
TEST_F(WinePackage, UninstallingItLeavesNoServiceAlsoWhereItsProgramIsGone) {
  ASSERT_TRUE(host->stop_service(30s));
  std::filesystem::remove(host->c_drive() / "Program Files" / "rdpmend" / "rdpmendd.exe");
  EXPECT_EQ(host->msiexec("/x", *package).exit_code, 0);
  EXPECT_THAT(host->service_state(), IsEmpty());
}

TEST_F(WinePackage, ItInstallsAServiceThatHeals) {
  host->cli({"diagnose"});
  host->lab({"disable-firewall-rule", k_tcp_rule});
  const auto ended = host->wait_for_entry([](const auto& entry) { return entry.has_repair_ended(); });
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->repair_ended().outcome(), v1::RepairEnded::OUTCOME_REPAIRED);
  EXPECT_TRUE(see_certificate(k_rdp_port));
}

TEST_F(WinePackage, AnUpgradeKeepsKeysConfigurationAndJournal) {
  const auto before = host->journal();
  const auto config = host->c_drive() / "ProgramData" / "rdpmend" / "rdpmend.textproto";
  std::ofstream(config, std::ios::app) << "# Edited by an administrator.\n";
  const auto next = Laboratory::build_package(host->folder(), "1.1.0");
  ASSERT_TRUE(next);
  ASSERT_EQ(host->msiexec("/i", *next).exit_code, 0);
  ASSERT_TRUE(host->wait_until_up()) << host->service_state();  // With the profile of before.
  const auto after = host->journal();
  ASSERT_GT(after.size(), before.size());
  EXPECT_EQ(after.front().SerializeAsString(), before.front().SerializeAsString());
  std::ifstream file(config);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_THAT(text, HasSubstr("Edited by an administrator"));
}

TEST_F(WinePackage, APackageOfTheSameVersionReplacesItAndUninstallingItLeavesNothingButWhatIsTheAdministrators) {
  // The same programs would make the same package.
  const std::string change = R"(change() { [[ $1 == *.msi* ]] || echo >>"$1"; }; change)";
  const auto rebuilt = Laboratory::build_package(host->folder(), "1.0.0", change);
  ASSERT_TRUE(rebuilt);
  ASSERT_EQ(host->msiexec("/i", *rebuilt).exit_code, 0);
  ASSERT_TRUE(host->wait_until_up()) << host->service_state();
  ASSERT_EQ(host->msiexec("/x", *rebuilt).exit_code, 0);
  EXPECT_THAT(host->wine({"uninstaller", "--list"}).standard_output, Not(HasSubstr("rdpmend")));
  EXPECT_THAT(host->service_state(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(host->c_drive() / "Program Files" / "rdpmend" / "rdpmendd.exe"));
  const Finished source =
      host->wine({"reg", "query", R"(HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\rdpmend)"});
  EXPECT_NE(source.exit_code, 0) << source.standard_output;
  EXPECT_TRUE(std::filesystem::exists(host->c_drive() / "ProgramData" / "rdpmend" / "rdpmend.textproto"));
}

}  // namespace
}  // namespace rdpmend::wine
