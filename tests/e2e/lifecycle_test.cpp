// How the service begins and ends: orderly, killed, started twice, commanded by strangers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/e2e/rehearsal.hpp"

namespace rdpmend::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

std::vector<v1::JournalEntry> whole_journal(const Rehearsal& rehearsal) {
  const Finished answer = rehearsal.cli({"journal", "--after", "0", "--limit", "0", "--format", "json"});
  EXPECT_EQ(answer.exit_code, 0) << answer.standard_error;
  std::vector<v1::JournalEntry> entries;
  std::istringstream lines{answer.standard_output};
  for (std::string line; std::getline(lines, line);) {
    v1::JournalEntry entry;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(line, &entry).ok()) << line;
    entries.push_back(std::move(entry));
  }
  return entries;
}

// It names libraries to load, and where it lies was decided where OpenSSL was built.
TEST(Programs, NeitherReadsOpensslsConfiguration) {
  const StateFolder state;
  std::filesystem::create_directories(state.path());
  const std::string file = state.path() + "/planted.cnf";
  std::ofstream(file) << "openssl_conf = init\n[init]\nalg_section = all\n[all]\ndefault_properties = fips=yes\n";
  const std::vector<std::string> environment{"OPENSSL_CONF=" + file};
  using testing_support::run;
  ASSERT_NE(run({"openssl", "sha256", "/dev/null"}, k_patience, environment).exit_code, 0) << "whoever reads it fails";
  const Finished keys = run({program("rdpmendd"), "init-pki", "--state", state.path()}, k_patience, environment);
  EXPECT_EQ(keys.exit_code, 0) << keys.standard_error;
  Rehearsal rehearsal("healthy", state);
  const Finished answer = run(rehearsal.command({"status"}), k_patience, environment);
  EXPECT_EQ(answer.exit_code, 0) << answer.standard_error;
}

// As Windows Installer runs it: what it did decides its exit code, not whether somebody hears of it.
TEST(Programs, TheServiceEndsAsItShouldWithNobodyToPrintFor) {
  const StateFolder state;
  const std::string deaf = R"(exec "$0" "$@" >&- 2>&-)";
  const auto exit_code = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"sh", "-c", deaf, program("rdpmendd")});
    return testing_support::run(arguments, k_patience).exit_code;
  };
  EXPECT_EQ(exit_code({"rehearse", "--list"}), 0);
  EXPECT_EQ(exit_code({"init-pki", "--state", state.path()}), 0);
  EXPECT_EQ(exit_code({"init-pki", "--state", state.path()}), 1) << "the keys are there already";
}

TEST(Stop, SigtermEndsItQuicklyAndInOrder) {
  const StateFolder state;
  {
    Rehearsal rehearsal("healthy", state);
    ASSERT_EQ(rehearsal.cli({"status"}).exit_code, 0);
    rehearsal.process().send_signal(SIGTERM);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(rehearsal.process().wait(k_patience), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{10});
  }
  Rehearsal again("healthy", state);
  const auto entries = whole_journal(again);
  EXPECT_TRUE(
      std::any_of(entries.begin(), entries.end(), [](const auto& entry) { return entry.has_service_stopped(); }));
}

TEST(Stop, AWatcherSeesHowTheServiceStops) {
  const StateFolder state;
  Rehearsal rehearsal("healthy", state);
  ChildProcess watch(rehearsal.command({"watch", "--from-start"}));
  ASSERT_TRUE(watch.wait_for_line([](const auto& line) { return line.find("started") != line.npos; }, k_patience));
  rehearsal.process().send_signal(SIGTERM);
  EXPECT_TRUE(
      watch.wait_for_line([](const auto& line) { return line.find("service stopped") != line.npos; }, k_patience))
      << watch.standard_output() << watch.standard_error();
}

TEST(Crash, AServiceKilledInTheMiddleOfARepairComesBackAndSettlesTheIncident) {
  const StateFolder state;
  {
    Rehearsal rehearsal("certificate-expired", state);
    ChildProcess watch(rehearsal.command({"watch", "--from-start", "--format", "json"}));
    ASSERT_TRUE(
        watch.wait_for_line([](const auto& line) { return line.find("step_intended") != line.npos; }, k_patience))
        << watch.standard_output() << watch.standard_error();
    rehearsal.process().send_signal(SIGKILL);
    ASSERT_EQ(rehearsal.process().wait(k_patience), 128 + SIGKILL);
  }
  Rehearsal again("certificate-expired", state);
  ChildProcess watch(again.command({"watch", "--from-start", "--format", "json"}));
  ASSERT_TRUE(watch.wait_for_line([](const auto& line) { return line.find("repair_ended") != line.npos; }, k_patience))
      << watch.standard_output();
  EXPECT_EQ(again.cli({"journal", "--verify"}).exit_code, 0);
  const auto entries = whole_journal(again);
  const auto starts =
      std::count_if(entries.begin(), entries.end(), [](const auto& e) { return e.has_service_started(); });
  EXPECT_EQ(starts, 2);
  for (std::size_t i = 0; i < entries.size(); ++i) EXPECT_EQ(entries[i].seq(), i + 1);
}

TEST(Start, ASecondServiceOnTheSameStateIsRefused) {
  const StateFolder state;
  Rehearsal rehearsal("healthy", state);
  const Finished second =
      testing_support::run({program("rdpmendd"), "rehearse", "healthy", "--state", state.path()}, k_patience);
  EXPECT_EQ(second.exit_code, 1) << second.standard_output;
  EXPECT_THAT(second.standard_error, HasSubstr("journal"));
  EXPECT_EQ(rehearsal.cli({"status"}).exit_code, 0);
}

TEST(Start, ADamagedJournalIsSetAsideAndStatusSaysSo) {
  const StateFolder state;
  std::filesystem::create_directories(state.path());
  std::ofstream{state.path() + "/journal.sqlite"} << "this is not a database, and it is long enough to be looked at";
  Rehearsal rehearsal("healthy", state);
  const auto status = rehearsal.ask<v1::GetStatusResponse>({"status"});
  EXPECT_THAT(status.degraded(), Not(IsEmpty()));
}

TEST(Start, AConfigurationWithErrorsIsRefusedWithAllOfThem) {
  const StateFolder state;
  std::filesystem::create_directories(state.path());
  const std::string file = state.path() + "/bad.textproto";
  std::ofstream{file} << "rpc { listen: \"nowhere\" }\njournal { max_bytes: 1 }\n";
  const Finished refused = testing_support::run(
      {program("rdpmendd"), "rehearse", "healthy", "--state", state.path(), "--config", file}, k_patience);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.standard_error, HasSubstr("bad.textproto:1"));
  EXPECT_THAT(refused.standard_error, HasSubstr("bad.textproto:2"));
}

TEST(Start, ARehearsalListensOnAnAddressAndAPortOrNotAtAll) {
  for (const std::string listen : {"", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:-1", "unix:", "unix:/tmp/x",
                                   "dns:", "dns:///localhost:1", "localhost:0", ":0"}) {
    const StateFolder state;
    const Finished refused = testing_support::run(
        {program("rdpmendd"), "rehearse", "healthy", "--state", state.path(), "--listen", listen}, k_patience);
    EXPECT_EQ(refused.exit_code, 1) << listen << refused.standard_output;
    EXPECT_THAT(refused.standard_error, HasSubstr("127.0.0.1:30904")) << listen;
  }
}

TEST(Start, WhatWasTypedCannotDriveTheTerminal) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"rehearse", "\x1b[2J"}, {"\x1b[2J"}, {"rehearse", "healthy", "--listen", "\x1b[2J"}}) {
    auto command = arguments;
    command.insert(command.begin(), program("rdpmendd"));
    const Finished refused = testing_support::run(command, k_patience);
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.standard_error, StartsWith("rdpmendd: "));
    EXPECT_THAT(refused.standard_error, Not(HasSubstr("\x1b")));
  }
}

TEST(Client, WithoutAProfileIsNotAuthorised) {
  const Finished refused =
      testing_support::run({program("rdpmend"), "--profile", "/nonexistent/client.textproto", "status"}, k_patience);
  EXPECT_EQ(refused.exit_code, 4);
  EXPECT_THAT(refused.standard_error, HasSubstr("next:"));
}

TEST(Client, OfAnotherServiceIsCutOffAndToldWhy) {
  const StateFolder state;
  Rehearsal rehearsal("healthy", state);
  const std::string other = state.path() + "_other";
  ASSERT_EQ(testing_support::run({program("rdpmendd"), "init-pki", "--state", other}, k_patience).exit_code, 0);
  // The right server, a stranger's key.
  for (const char* file : {"client.crt", "client.key"}) {
    std::filesystem::copy_file(other + "/pki/admin/" + file, state.path() + "/pki/admin/" + file,
                               std::filesystem::copy_options::overwrite_existing);
  }
  std::filesystem::remove_all(other);
  const Finished refused = rehearsal.cli({"status"});
  EXPECT_EQ(refused.exit_code, 3) << refused.standard_output << refused.standard_error;
  EXPECT_THAT(refused.standard_error, HasSubstr("probably it does not trust the client certificate"));
}

TEST(Client, OfAStoppedServiceSaysThatItIsUnreachable) {
  const StateFolder state;
  Rehearsal rehearsal("healthy", state);
  rehearsal.process().send_signal(SIGTERM);
  ASSERT_EQ(rehearsal.process().wait(k_patience), 0);
  const Finished refused = rehearsal.cli({"status"});
  EXPECT_EQ(refused.exit_code, 3) << refused.standard_error;
}

}  // namespace
}  // namespace rdpmend::e2e
