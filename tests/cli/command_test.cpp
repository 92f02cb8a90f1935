// Every command against a service with fixed answers.
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <thread>

#include "agent-lib/support/asio.hpp"
#include "tests/cli/canned_answers.hpp"
#include "tests/cli/golden.hpp"
#include "tests/cli/run.hpp"

namespace rdpmend::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Command : public testing::Test {
 protected:
  Ran run(std::vector<std::string> arguments, Terminal terminal = {}) {
    arguments.insert(arguments.begin(), {"--profile", service_.profile()});
    return cli::run(arguments, terminal);
  }

  // Standard output as it was looked at, and the exit code.
  void expect_output(const std::string& golden, const std::vector<std::string>& arguments, int exit = 0,
                     Terminal terminal = {}) {
    const auto ran = run(arguments, terminal);
    EXPECT_EQ(ran.exit, exit) << ran.err;
    expect_golden(golden, ran.out);
  }

  template <class Message>
  Message ask(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--format", "json"});
    const auto ran = run(arguments);
    Message message;
    const auto parsed = google::protobuf::util::JsonStringToMessage(ran.out, &message);
    EXPECT_TRUE(parsed.ok()) << parsed.ToString() << ran.out << ran.err;
    return message;
  }

  CannedService service_{canned_answers()};
};

template <class Message>
std::vector<Message> parse_lines(const std::string& text) {
  std::vector<Message> messages;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(line, &messages.emplace_back()).ok()) << line;
  }
  return messages;
}

TEST_F(Command, Status) {
  expect_output("status", {"status"});
}
TEST_F(Command, StatusSaysNoMoreThanALineOfEventLogsThatAreFollowed) {
  auto answers = canned_answers();
  answers.status.mutable_channels()->DeleteSubrange(1, 2);
  answers.status.mutable_channels(0)->clear_last_reopened();
  service_.start_again(answers);
  const auto out = run({"status"}).out;
  EXPECT_THAT(out, HasSubstr("event logs  1 of 1 followed\n"));
  EXPECT_THAT(out, Not(HasSubstr("System")));
}

TEST_F(Command, StatusSaysWhyAnEventLogIsNotFollowed) {
  auto answers = canned_answers();
  auto& channel = *answers.status.mutable_channels(0);
  channel.set_state(v1::ChannelStatus::STATE_CLOSED);
  channel.set_detail("access is denied");
  service_.start_again(answers);
  EXPECT_THAT(run({"status"}).out, HasSubstr("System: cannot be read: access is denied"));
}

TEST_F(Command, StatusOnATerminal) {
  expect_output("status_terminal", {"status"}, 0, {80, true});
}
TEST_F(Command, Diagnose) {
  expect_output("diagnose", {"diagnose"}, 2);
}
TEST_F(Command, Health) {
  expect_output("health", {"health"}, 5);
}
TEST_F(Command, HealthOnATerminalWithAllItsEvidence) {
  expect_output("health_terminal", {"health", "--all"}, 5, {80, true});
}
TEST_F(Command, HealthAsJUnit) {
  expect_output("health_junit", {"health", "--format", "junit"}, 5);
}
TEST_F(Command, HealthAsAzureTellsIt) {
  expect_output("health_avd", {"--format", "avd", "health"}, 5);
}

TEST_F(Command, HealthExitsByItsWorstAnswer) {
  auto health = canned_health();
  const auto exit_with = [&](v1::Check::Answer answer, std::uint32_t open_incidents) {
    health.set_answer(answer);
    health.set_open_incidents(open_incidents);
    auto answers = canned_answers();
    answers.healths = {health};
    service_.start_again(answers);
    return run({"health"}).exit;
  };
  EXPECT_EQ(exit_with(v1::Check::ANSWER_HEALTHY, 0), 0);
  EXPECT_EQ(exit_with(v1::Check::ANSWER_HEALTHY, 1), 5);
  EXPECT_EQ(exit_with(v1::Check::ANSWER_FAULTY, 0), 5);
  EXPECT_EQ(exit_with(v1::Check::ANSWER_UNKNOWN, 0), 2) << "could not be read is not healthy";
}

TEST_F(Command, HealthOfAnEarlierLookIsAskedForByItsAge) {
  EXPECT_EQ(run({"health"}).exit, 5);
  EXPECT_FALSE(service_.last_health().has_max_age());
  EXPECT_EQ(run({"health", "--max-age", "900"}).exit, 5);
  EXPECT_EQ(service_.last_health().max_age().seconds(), 900);
}

TEST_F(Command, HealthWaitEndsAsSoonAsAllIsHealthy) {
  auto answers = canned_answers();
  answers.healths.emplace_back().set_answer(v1::Check::ANSWER_HEALTHY);
  answers.status.set_journal_last_seq(51);  // So that the journal has news at once.
  service_.start_again(answers);
  const auto ran = run({"health", "--wait"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("not yet: firewall unknown, certificate faulty"));
  EXPECT_EQ(service_.last_watch().after_seq(), 51U) << "news is what came after the look began";
}

TEST_F(Command, HealthWaitThatIsOverExitsByTheLastAnswer) {
  const auto ran = run({"health", "--wait", "--at-most", "1"});
  EXPECT_EQ(ran.exit, 5);
  EXPECT_THAT(ran.out, HasSubstr("certificate"));
}

TEST_F(Command, HealthWaitForAServiceThatNeverComesExitsWithThree) {
  service_.stop();
  const auto ran = run({"health", "--wait", "--at-most", "1"});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.err, HasSubstr("trying again"));
}

TEST_F(Command, WhatHealthAloneCanSayIsRefusedElsewhere) {
  const auto ran = run({"status", "--format", "junit"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("of health alone"));
}

TEST_F(Command, SelftestShowsWhatIsNotAsExpected) {
  expect_output("selftest", {"selftest"}, 2);
}
TEST_F(Command, SelftestShowsAll) {
  expect_output("selftest_all", {"selftest", "--all"}, 2);
}
TEST_F(Command, SelftestFailsOnlyOverWhatDiffersOrWasNotChecked) {
  auto answers = canned_answers();
  answers.selftest.mutable_checks()->DeleteSubrange(1, 1);
  service_.start_again(answers);
  EXPECT_EQ(run({"selftest"}).exit, 2) << "the service may read everything: what it could not check is not healthy";
  answers.selftest.mutable_checks()->DeleteSubrange(1, 1);
  service_.start_again(answers);
  EXPECT_EQ(run({"selftest"}).exit, 0);
}
TEST_F(Command, Faults) {
  expect_output("faults", {"faults"});
}
TEST_F(Command, OneFault) {
  expect_output("faults_one", {"faults", "certificate_expired"});
}
TEST_F(Command, Incidents) {
  expect_output("incidents", {"incidents", "--all"});
}
TEST_F(Command, Show) {
  expect_output("show", {"show", "42"});
}
TEST_F(Command, ShowOnATerminal) {
  expect_output("show_terminal", {"show", "42"}, 0, {80, true});
}
TEST_F(Command, LoansAndWhatStatusSaysOfThem) {
  auto answers = canned_answers();
  EXPECT_EQ(run({"loans"}).out, "Nothing is relaxed.\n");
  *answers.status.add_loans() = answers.loan;
  service_.start_again(answers);
  expect_output("loans", {"loans"});
  EXPECT_THAT(run({"status"}).out, HasSubstr("relaxed"));
  EXPECT_EQ(ask<v1::GetStatusResponse>({"loans"}).loans(0).why(), "old terminal, ticket 1234");
}
TEST_F(Command, RelaxAsksForATimeAndAReason) {
  expect_output("relax", {"relax", "nla", "--for", "90m", "--reason", "old terminal, ticket 1234"});
  const auto asked = service_.last_lend();
  EXPECT_EQ(asked.kind(), v1::Loan::KIND_NLA);
  EXPECT_EQ(asked.duration().seconds(), 90 * 60);
  EXPECT_EQ(asked.reason(), "old terminal, ticket 1234");
  EXPECT_FALSE(asked.request_id().empty());
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"relax", "nla", "--for", "1h"},
                                                {"relax", "nla", "--reason", "x"},
                                                {"relax", "nla", "--for", "1", "--reason", "x"},
                                                {"relax", "nla", "--for", "1d", "--reason", "x"},
                                                {"relax", "nla", "--for", "-1h", "--reason", "x"},
                                                {"relax", "tls", "--for", "1h", "--reason", "x"},
                                                {"relax", "--for", "1h", "--reason", "x"}})
    EXPECT_EQ(run(wrong).exit, 1) << testing::PrintToString(wrong);
}
TEST_F(Command, ReturnPutsBackNow) {
  EXPECT_EQ(run({"return", "nla", "--comment", "done"}).out, "Put back: the host is as it was before.\n");
  EXPECT_EQ(service_.last_give_back().kind(), v1::Loan::KIND_NLA);
  EXPECT_EQ(service_.last_give_back().comment(), "done");
}
TEST_F(Command, Plan) {
  expect_output("plan", {"plan", "certificate_expired"});
}
TEST_F(Command, Repair) {
  expect_output("repair", {"repair", "42"});
}
TEST_F(Command, Journal) {
  expect_output("journal", {"journal"});
}
TEST_F(Command, WatchOneIncidentToItsEnd) {
  expect_output("watch_incident", {"watch", "--incident", "42"});
}

TEST_F(Command, NoColorIsHonoured) {
  EXPECT_THAT(run({"status"}, {80, true}).out, HasSubstr("\x1b["));
  EXPECT_THAT(run({"status", "--no-color"}, {80, true}).out, Not(HasSubstr("\x1b[")));
}

TEST_F(Command, NoLineIsWiderThanTheTerminal) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"status"},
                                                                     {"diagnose"},
                                                                     {"health", "--all"},
                                                                     {"faults"},
                                                                     {"show", "42"},
                                                                     {"plan", "certificate_expired"},
                                                                     {"journal"}}) {
    std::istringstream lines(run(arguments, {80, false}).out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 80U) << line;
  }
}

TEST_F(Command, StatusCheckExitsWithFiveWhileIncidentsAreOpenOrSomethingIsDegraded) {
  EXPECT_EQ(run({"status", "--check"}).exit, 5);
  EXPECT_EQ(run({"status"}).exit, 0);
  service_.start_again({});
  EXPECT_EQ(run({"status", "--check"}).exit, 0);
  Answers degraded;
  degraded.status.add_degraded("the journal cannot be written");
  service_.start_again(degraded);
  EXPECT_EQ(run({"status", "--check"}).exit, 5);
}

TEST_F(Command, JsonIsTheMessageItself) {
  EXPECT_EQ(ask<v1::GetStatusResponse>({"status"}).SerializeAsString(), canned_answers().status.SerializeAsString());
  EXPECT_EQ(ask<v1::GetIncidentResponse>({"show", "42"}).incident().id(), 42U);
  EXPECT_EQ(ask<v1::ListIncidentsResponse>({"incidents", "--all"}).incidents_size(), 2);
  EXPECT_EQ(ask<v1::DiagnoseResponse>({"diagnose"}).findings_size(), 3);
  EXPECT_EQ(ask<v1::GetHealthResponse>({"health"}).SerializeAsString(), canned_health().SerializeAsString());
  EXPECT_EQ(ask<v1::SelfTestResponse>({"selftest"}).checks_size(), 4);
  EXPECT_EQ(ask<v1::ListFaultsResponse>({"faults"}).faults_size(), 2);
  EXPECT_EQ(ask<v1::PlanRepairResponse>({"plan", "certificate_expired"}).dry_runs_size(), 1);
  EXPECT_EQ(ask<v1::ActResponse>({"dismiss", "42"}).incident().id(), 42U);
}

TEST_F(Command, JsonKeepsTheNamesOfTheSchema) {
  EXPECT_THAT(run({"status", "--format", "json"}).out,
              AllOf(HasSubstr("\"open_incidents\""), HasSubstr("\"breaker_open\"")));
}

TEST_F(Command, JournalAndWatchAreOneJsonObjectALine) {
  const auto journal = parse_lines<v1::JournalEntry>(run({"journal", "--format", "json"}).out);
  ASSERT_EQ(journal.size(), 12U);
  EXPECT_EQ(journal.back().seq(), 52U);
  const auto watched = parse_lines<v1::WatchResponse>(run({"watch", "--incident", "42", "--format", "json"}).out);
  ASSERT_EQ(watched.size(), 12U);
  EXPECT_EQ(watched[10].entry().incident_state_changed().to(), v1::INCIDENT_STATE_REPAIRED);
  EXPECT_EQ(watched[11].caught_up_seq(), 52U);
}

TEST_F(Command, JournalPagesUpToItsLimit) {
  EXPECT_EQ(
      parse_lines<v1::JournalEntry>(run({"journal", "--after", "41", "--limit", "3", "--format", "json"}).out).size(),
      3U);
  const auto newest = parse_lines<v1::JournalEntry>(run({"journal", "--limit", "3", "--format", "json"}).out);
  ASSERT_EQ(newest.size(), 3U);
  EXPECT_EQ(newest.front().seq(), 50U);
}

TEST_F(Command, JournalVerifyFailsOnABrokenChain) {
  EXPECT_EQ(run({"journal", "--verify"}).exit, 0);
  auto answers = canned_answers();
  answers.chain_error = "entry #44 does not follow from #43";
  service_.start_again(answers);
  const auto ran = run({"journal", "--verify"});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("entry #44"));
}

TEST_F(Command, OutputThatCannotBeWrittenExitsWithTwoAndSaysSo) {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"status"},
                                             {"status", "--check"},
                                             {"status", "--format", "json"},
                                             {"journal"},
                                             {"journal", "--format", "json"},
                                             {"faults"},
                                             {"incidents"},
                                             {"show", "42"},
                                             {"explain", "0x904"},
                                             {"explain", "0x904", "--format", "json"},
                                             {"watch", "--incident", "42"},
                                             {"watch", "--incident", "42", "--format", "json"}}) {
    auto with_profile = arguments;
    with_profile.insert(with_profile.begin(), {"--profile", service_.profile()});
    const auto ran = run_on_full_disk(with_profile);
    EXPECT_EQ(ran.exit, 2) << testing::PrintToString(arguments);
    EXPECT_THAT(ran.err, HasSubstr("standard output cannot be written")) << testing::PrintToString(arguments);
  }
}

// Without --incident a watch has no end of its own.
TEST_F(Command, AWatchEndsWhenItsOutputCannotBeWritten) {
  FullDisk disk;
  std::ostream out(&disk);
  std::ostringstream err;
  EXPECT_EQ(run_into(out, err, {"--profile", service_.profile(), "watch", "--from-start"}), 2);
}

// A port where nothing listens is found out at once, and that is worth telling too.
TEST_F(Command, ProbeWithReportTellsTheServiceWhatItSaw) {
  asio::io_context io;
  asio::ip::tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
  const auto port = acceptor.local_endpoint().port();
  acceptor.close();
  const auto target = "127.0.0.1:" + std::to_string(port);
  const auto ran = run({"probe", target, "--report", "--incident", "42"});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.out, HasSubstr(target));
  EXPECT_THAT(ran.err, AllOf(HasSubstr("Reported to the service at " + service_.address()),
                             HasSubstr("as local-admin from 192.0.2.7")));
  EXPECT_EQ(service_.last_report().report().port(), port);
  EXPECT_EQ(service_.last_report().report().outcome(), v1::PROBE_OUTCOME_REFUSED);
  EXPECT_EQ(service_.last_report().incident_id(), 42U);
  EXPECT_EQ(service_.last_report().request_id().size(), 32U);
}

TEST_F(Command, ProbeWithoutReportTellsNobody) {
  EXPECT_EQ(run({"probe", "127.0.0.1:1", "--deadline", "2"}).exit, 2);
  EXPECT_EQ(service_.last_report().request_id(), "");
}

TEST_F(Command, ProbeWhoseReportIsNotTakenShowsWhatItSawAndFails) {
  auto answers = canned_answers();
  answers.refusal = {grpc::StatusCode::PERMISSION_DENIED, "ReportProbe needs the role operator"};
  service_.start_again(answers);
  const auto ran = run({"probe", "127.0.0.1:1", "--report", "--deadline", "2"});
  EXPECT_EQ(ran.exit, 4);
  EXPECT_THAT(ran.out, HasSubstr("127.0.0.1:1"));
  EXPECT_THAT(ran.err, HasSubstr("needs the role operator"));
}

TEST_F(Command, StatusShowsTheNewestProbeThatAClientReported) {
  auto answers = canned_answers();
  auto& told = *answers.status.mutable_last_outside_probe();
  told.set_client("helpdesk");
  told.set_peer("192.0.2.7");
  *told.mutable_received() = answers.status.now();
  told.mutable_report()->set_host("rdp1.example.net");
  told.mutable_report()->set_port(3389);
  told.mutable_report()->set_outcome(v1::PROBE_OUTCOME_OK);
  service_.start_again(answers);
  EXPECT_THAT(run({"status"}).out, AllOf(HasSubstr("outside     "), HasSubstr("rdp1.example.net:3389"),
                                         HasSubstr("by helpdesk from 192.0.2.7")));
}

TEST_F(Command, AnUnknownFaultIsNotFound) {
  const auto ran = run({"faults", "no_such"});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("no_such"));
}

TEST_F(Command, ApproveSendsThePlanThatWasRead) {
  EXPECT_EQ(run({"approve", "42", "--plan", "42/1", "--comment", "ticket 12"}).exit, 0);
  EXPECT_EQ(service_.last_act().approve().plan_id(), "42/1");
  EXPECT_EQ(service_.last_act().comment(), "ticket 12");
}

TEST_F(Command, EveryCommandHasARequestIdOfItsOwn) {
  for (const std::string verb : {"repair", "approve", "rollback", "dismiss"}) EXPECT_EQ(run({verb, "42"}).exit, 0);
  const auto ids = service_.request_ids();
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 4U);
  for (const auto& id : ids) EXPECT_EQ(id.size(), 32U);
}

// As the service does it: it answers before anything happens, and the rest is in the journal.
TEST_F(Command, RepairWaitFollowsUntilTheHostIsRepaired) {
  auto answers = canned_answers();
  answers.incident.set_last_seq(42);
  service_.start_again(answers);
  const auto ran = run({"repair", "42", "--wait"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(service_.last_watch().after_seq(), 42U);
  expect_golden("repair_wait", ran.out);
}

TEST_F(Command, WaitEndsWithTwoWhereAnApprovalIsNeeded) {
  auto answers = canned_answers();
  answers.incident.set_state(v1::INCIDENT_STATE_AWAITING_APPROVAL);
  answers.incident.set_last_seq(42);
  answers.journal.resize(4);
  auto& last = answers.journal.emplace_back();
  last.set_seq(45);
  last.set_incident_id(42);
  last.mutable_incident_state_changed()->set_to(v1::INCIDENT_STATE_AWAITING_APPROVAL);
  service_.start_again(answers);
  const auto ran = run({"approve", "42", "--wait"});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("step 4"), HasSubstr("asks first: drops sessions"), HasSubstr("rdpmend approve 42")));
}

TEST_F(Command, WaitDoesNotTakeAnEarlierEndForItsOwn) {
  auto answers = canned_answers();
  answers.incident.set_last_seq(41);
  // A state change that is older than the command.
  auto& older = answers.journal[1];
  older.set_incident_id(42);
  older.mutable_incident_state_changed()->set_to(v1::INCIDENT_STATE_ESCALATED);
  service_.start_again(answers);
  const auto ran = run({"repair", "42", "--wait"});
  EXPECT_EQ(ran.exit, 0);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("escalated"), HasSubstr("repair ended, repaired")));
}

TEST_F(Command, WatchBeginsLiveAndEndsWithAnInterrupt) {
  std::stop_source interrupt;
  const std::jthread later([&](const std::stop_token& over) {
    while (service_.watches() == 0 && !over.stop_requested()) std::this_thread::yield();
    interrupt.request_stop();
  });
  const auto ran = cli::run({"watch", "--profile", service_.profile()}, {}, interrupt.get_token());
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(service_.last_watch().after_seq(), 52U);
}

}  // namespace
}  // namespace rdpmend::cli
