// The whole run, from event to verdict, on the rehearsed host.
#include "agent-lib/engine/engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "agent-lib/engine/inquiries.hpp"
#include "tests/engine/rehearsed_engine.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr const char* k_certificate = "certificate_expired";
constexpr const char* k_firewall = "firewall_rule_disabled";

struct World {
  explicit World(const std::string& name, v1::PolicyConfig policy = {})
      : host(scenario(name), {}), engine(host, journal, std::move(policy)) {}

  sim::SimHost host;
  sim::MemoryJournal journal;
  RehearsedEngine engine;
};

v1::PolicyConfig policy_with_mode(const std::string& fault, v1::FaultMode mode) {
  v1::PolicyConfig policy;
  auto& own = *policy.add_faults();
  own.set_fault_id(fault);
  own.set_mode(mode);
  return policy;
}

v1::ActRequest repair(std::uint64_t incident, const std::string& request_id = "r1") {
  return order(v1::ActRequest::kRepair, incident, request_id);
}
v1::ActRequest approve(std::uint64_t incident, const std::string& plan_id = {}, const std::string& request_id = "r1") {
  auto request = order(v1::ActRequest::kApprove, incident, request_id);
  request.mutable_approve()->set_plan_id(plan_id);
  return request;
}
v1::ActRequest rollback(std::uint64_t incident) {
  return order(v1::ActRequest::kRollback, incident);
}
v1::ActRequest dismiss(std::uint64_t incident) {
  return order(v1::ActRequest::kDismiss, incident);
}

TEST(Engine, HealsAnExpiredCertificateAndProvesItFromOutside) {
  World world("certificate-key-missing");
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_REPAIRED); }, 5min));
  const auto incident = world.engine.incident(k_certificate);
  EXPECT_EQ(incident->repair().verdict().result(), v1::Verdict::RESULT_REPAIRED);
  EXPECT_EQ(incident->repair().verdict().probe().outcome(), v1::PROBE_OUTCOME_OK);
  EXPECT_EQ(incident->attempts(), 1u);
  EXPECT_TRUE(world.host.client_connects());
}

TEST(Engine, HealsDisabledFirewallRulesWhenTheEventArrives) {
  World world("firewall-rule-disabled");
  EXPECT_TRUE(world.host.client_connects());
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_firewall, v1::INCIDENT_STATE_REPAIRED); }, 5min));
  EXPECT_EQ(world.engine.incident(k_firewall)->first_signal().kind(), v1::Signal::KIND_EVENT);
  EXPECT_TRUE(world.host.client_connects());
}

TEST(Engine, ReportsAWrongClockAndTouchesNothing) {
  World world("clock-wrong");
  world.engine.run_for(1s);
  const auto before = world.host.fingerprint();
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state("clock_wrong", v1::INCIDENT_STATE_ESCALATED); }, 5min));
  world.engine.run_for(30min);
  EXPECT_EQ(world.engine.incident(k_certificate), nullptr) << "a wrong clock masks the certificate";
  EXPECT_EQ(count_entries(world.journal, v1::JournalEntry::kStepIntended), 0u);
  EXPECT_EQ(world.host.fingerprint(), before);
}

TEST(Engine, LeavesAHealthyHostAlone) {
  World world("healthy");
  const auto before = world.host.fingerprint();
  world.engine.run_for(2h);
  EXPECT_EQ(world.engine.incidents(), 0u);
  EXPECT_EQ(world.host.fingerprint(), before);
}

TEST(Engine, MakesOneIncidentAndOneRepairOfTenThousandSignals) {
  World world("certificate-key-missing");
  const auto newest = [&] {
    return world.host.control().events.look_up({"System", "Schannel", {36870}, {}, 1}).value();
  };
  world.engine.run_until([&] { return !newest().empty(); }, 10s);
  const auto batch = [&] {
    EventBatch events;
    events.xml.assign(100, newest().at(0));
    return events;
  };
  for (int i = 0; i < 100; ++i) world.engine.engine().take("System", batch(), nullptr);
  world.engine.run_for(30min);
  EXPECT_EQ(world.engine.incidents(), 1u);
  EXPECT_EQ(count_entries(world.journal, v1::JournalEntry::kIncidentOpened), 1u);
  EXPECT_EQ(count_entries(world.journal, v1::JournalEntry::kRepairStarted), 1u);
  // Folded by the rules' windows: neither lost nor journalled one by one.
  std::uint64_t events = 0;
  const auto entries = all_entries(world.journal);
  for (const auto& entry : entries) events += entry.signal_raised().signal().count();
  EXPECT_GE(events, 10'000u);
  EXPECT_LE(count_entries(world.journal, v1::JournalEntry::kSignalRaised), 40u);
}

TEST(Engine, ObservesWhenToldTo) {
  World world("certificate-key-missing", policy_with_mode(k_certificate, v1::FAULT_MODE_OBSERVE));
  world.engine.run_for(2h);
  ASSERT_TRUE(world.engine.in_state(k_certificate, v1::INCIDENT_STATE_OPEN));
  EXPECT_EQ(count_entries(world.journal, v1::JournalEntry::kPlanMade), 0u);
}

TEST(Engine, ProposesAndRepairsOnlyAfterApprovalOfThatPlan) {
  World world("certificate-key-missing", policy_with_mode(k_certificate, v1::FAULT_MODE_PROPOSE));
  const auto before = world.host.fingerprint();
  ASSERT_TRUE(world.engine.run_until(
      [&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_AWAITING_APPROVAL); }, 1min));
  const auto waiting = world.engine.incident(k_certificate);
  EXPECT_GT(waiting->repair().plan().rungs_size(), 0);
  EXPECT_EQ(world.host.fingerprint(), before);

  const auto refused = world.engine.act(approve(waiting->id(), "another"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);

  ASSERT_TRUE(world.engine.act(approve(waiting->id(), waiting->repair().plan().id(), "r2")));
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_REPAIRED); }, 5min));
}

TEST(Engine, AsksBeforeItRestartsTermServiceAndGoesOnWhenApproved) {
  World world("termservice-caches-certificate");
  ASSERT_TRUE(world.engine.run_until(
      [&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_AWAITING_APPROVAL); }, 10min));
  const auto waiting = world.engine.incident(k_certificate);
  EXPECT_EQ(waiting->repair().rung(), 1u);
  EXPECT_THAT(waiting->reason(), HasSubstr("waits for approval"));
  ASSERT_TRUE(world.engine.act(approve(waiting->id())));
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_REPAIRED); }, 10min));
  EXPECT_EQ(world.engine.incident(k_certificate)->repair().rung(), 3u) << "the removal was not what was found";
}

TEST(Engine, GoesOnWaitingWhileTheOldCertificateIsServedAndIsRepairedOnceItIsNot) {
  World world("termservice-caches-certificate");
  ASSERT_TRUE(world.engine.run_until(
      [&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_AWAITING_APPROVAL); }, 10min));
  world.engine.run_for(1h);
  ASSERT_TRUE(world.engine.in_state(k_certificate, v1::INCIDENT_STATE_AWAITING_APPROVAL));
  auto& services = world.host.control().services;
  for (const auto* name : {"UmRdpService", "TermService"}) ASSERT_TRUE(services.stop(name, 30s));
  ASSERT_TRUE(services.start("TermService", 30s));
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_REPAIRED); }, 1h));
}

TEST(Engine, EscalatesWhenNobodyApprovesInTime) {
  auto policy = policy_with_mode(k_certificate, v1::FAULT_MODE_PROPOSE);
  policy.mutable_approval_timeout()->set_seconds(3600);
  World world("certificate-key-missing", policy);
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_ESCALATED); }, 2h));
  EXPECT_THAT(world.engine.incident(k_certificate)->reason(), HasSubstr("nobody approved"));
}

TEST(Engine, UndoesWhatDidNotHelpAndEscalatesWhenAttemptsAreSpent) {
  World world("certificate-key-missing");
  const auto before = world.host.fingerprint();
  // Whatever is done, SessionEnv cannot make a key.
  v1::SimChange change;
  change.mutable_certificate()->set_creation_fails(true);
  world.host.change(change);
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_ESCALATED); }, 1h));
  const auto incident = world.engine.incident(k_certificate);
  EXPECT_EQ(incident->attempts(), 2u);
  EXPECT_THAT(incident->reason(), HasSubstr("2 repairs within a day did not last"));
  EXPECT_TRUE(incident->rollback_blocked().empty()) << incident->rollback_blocked();
  EXPECT_EQ(world.host.fingerprint(), before);
  world.engine.run_for(4h);
  EXPECT_EQ(count_entries(world.journal, v1::JournalEntry::kRepairStarted), 2u) << "escalated is left to a human";
}

TEST(Engine, TriesAgainAfterTheCoolDownAndHeals) {
  World world("certificate-key-missing");
  world.host.injector().arm(2, sim::Injection::denied);
  ASSERT_TRUE(world.engine.run_until(
      [&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_ROLLED_BACK); }, 5min));
  EXPECT_TRUE(world.engine.incident(k_certificate)->rollback_blocked().empty());
  // The second attempt, after the cool-down, is not disturbed.
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_REPAIRED); }, 30min));
  EXPECT_EQ(world.engine.incident(k_certificate)->attempts(), 2u);
}

TEST(Engine, ClosesAnIncidentWhoseFaultWentAwayByItself) {
  World world("certificate-key-missing", policy_with_mode(k_certificate, v1::FAULT_MODE_OBSERVE));
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_OPEN); }, 1min));
  v1::SimChange change;
  change.mutable_certificate()->mutable_expires_in()->set_seconds(120 * 86400);
  world.host.change(change);
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_CLEARED); }, 1h));
}

TEST(Engine, KeepsADismissedFaultQuietUntilItIsGone) {
  World world("certificate-key-missing", policy_with_mode(k_certificate, v1::FAULT_MODE_OBSERVE));
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_OPEN); }, 1min));
  const auto id = world.engine.incident(k_certificate)->id();
  ASSERT_TRUE(world.engine.act(dismiss(id)));
  world.engine.run_for(2h);
  EXPECT_EQ(world.engine.incidents(), 1u);
  EXPECT_TRUE(world.engine.in_state(k_certificate, v1::INCIDENT_STATE_DISMISSED));
}

TEST(Engine, CarriesOutACommandOnceForOneRequestId) {
  World world("certificate-key-missing", policy_with_mode(k_certificate, v1::FAULT_MODE_OBSERVE));
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_OPEN); }, 1min));
  const auto id = world.engine.incident(k_certificate)->id();
  ASSERT_TRUE(world.engine.act(repair(id, "same")));
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_REPAIRED); }, 5min));
  const auto again = world.engine.act(repair(id, "same"));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->state(), v1::INCIDENT_STATE_REPAIRED);
  EXPECT_EQ(count_entries(world.journal, v1::JournalEntry::kRepairStarted), 1u);
}

TEST(Engine, RollsBackARepairedFirewallRuleOnCommandAndThenLeavesItAlone) {
  World world("firewall-rule-disabled");
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_firewall, v1::INCIDENT_STATE_REPAIRED); }, 5min));
  const auto id = world.engine.incident(k_firewall)->id();
  ASSERT_TRUE(world.engine.act(rollback(id)));
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_firewall, v1::INCIDENT_STATE_ESCALATED); }, 1min));
  world.engine.run_for(2h);
  EXPECT_FALSE(world.host.client_connects());
  EXPECT_EQ(count_entries(world.journal, v1::JournalEntry::kRepairStarted), 1u);
}

TEST(Engine, RefusesToRollBackACertificateWhoseKeyIsGone) {
  World world("certificate-key-missing");
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_REPAIRED); }, 5min));
  ASSERT_TRUE(world.engine.act(rollback(world.engine.incident(k_certificate)->id())));
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_ESCALATED); }, 1min));
  EXPECT_THAT(world.engine.incident(k_certificate)->rollback_blocked(),
              HasSubstr("has no key any more and is not put back"));
  EXPECT_TRUE(world.host.client_connects());
}

TEST(Engine, StopsRepairsByItselfAfterTooManyFailures) {
  v1::PolicyConfig policy;
  policy.set_breaker_failures(1);
  World world("certificate-key-missing", policy);
  world.host.injector().arm(2, sim::Injection::denied);
  ASSERT_TRUE(world.engine.run_until(
      [&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_ROLLED_BACK); }, 5min));
  world.engine.run_for(2h);
  EXPECT_TRUE(world.engine.engine().snapshot()->breaker_open);
  EXPECT_EQ(count_entries(world.journal, v1::JournalEntry::kRepairStarted), 1u);

  ASSERT_TRUE(world.engine.act(repair(world.engine.incident(k_certificate)->id())));
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_REPAIRED); }, 5min));
  EXPECT_FALSE(world.engine.engine().snapshot()->breaker_open);
}

TEST(Engine, RepairsOnlyWithinARepairWindow) {
  v1::PolicyConfig policy;
  auto& window = *policy.add_repair_windows();
  window.set_begin("22:00");
  window.set_end("23:00");
  World world("certificate-key-missing", policy);  // The virtual clock begins in the morning.
  world.engine.run_for(1h);
  ASSERT_TRUE(world.engine.in_state(k_certificate, v1::INCIDENT_STATE_OPEN));
  EXPECT_THAT(world.engine.incident(k_certificate)->reason(), HasSubstr("repair window"));
  EXPECT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_certificate, v1::INCIDENT_STATE_REPAIRED); }, 24h));
}

TEST(Engine, DoesNotOverwriteWhatSomebodyChangedSinceItWasCaptured) {
  World world("firewall-rule-disabled");
  v1::SimChange change;
  auto& rule = *change.mutable_firewall()->add_rules();
  rule.set_rule_id("RemoteDesktop-UserMode-In-TCP");
  rule.set_enabled(false);
  rule.set_profiles(1);
  bool meddled = false;
  world.journal.set_listener([&](std::uint64_t seq) {
    const auto newest = world.journal.read(seq - 1, 1, 0).value();
    if (newest.empty() || !newest.front().has_step_intended() || std::exchange(meddled, true)) return;
    world.host.change(change);
  });
  ASSERT_TRUE(
      world.engine.run_until([&] { return world.engine.in_state(k_firewall, v1::INCIDENT_STATE_ROLLED_BACK); }, 5min));
  EXPECT_THAT(world.engine.incident(k_firewall)->reason(), HasSubstr("somebody else changed it"));
  EXPECT_TRUE(world.host.injector().calls().empty()) << "nothing was written";
}

TEST(Engine, KeepsTheCreditWhileTheJournalCannotBeWritten) {
  World world("healthy");
  world.engine.settle();
  world.journal.fail_appends(Error{ErrorCode::exhausted, "the disk is full", "", {}});
  bool taken = false;
  world.engine.engine().take("System", {{}, "bookmark", true}, [&] { taken = true; });
  world.engine.run_for(1min);
  EXPECT_FALSE(taken);
  world.journal.fail_appends(std::nullopt);
  world.engine.run_for(1min);
  EXPECT_TRUE(taken);
  EXPECT_EQ(world.journal.bookmarks()->at("System"), "bookmark");
}

// What it has masked is looked at when a fault is gone, and that look sees it gone again.
TEST(Engine, ComesToRestAlthoughItCannotBeRecordedThatAFaultIsGone) {
  for (const bool dismissed : {false, true}) {
    World world("clock-wrong");
    const auto is = [&](v1::IncidentState state) { return world.engine.in_state("clock_wrong", state); };
    ASSERT_TRUE(world.engine.run_until([&] { return is(v1::INCIDENT_STATE_ESCALATED); }, 5min));
    const auto id = world.engine.incident("clock_wrong")->id();
    if (dismissed) {
      ASSERT_TRUE(world.engine.act(dismiss(id)));
    }
    world.journal.fail_appends(Error{ErrorCode::exhausted, "the disk is full", "", {}});
    v1::SimChange right;
    right.mutable_clock();
    world.host.change(right);
    world.engine.run_for(1h);  // Throws if there is no rest.
    world.journal.fail_appends(std::nullopt);
    EXPECT_TRUE(world.engine.run_until([&] { return is(v1::INCIDENT_STATE_CLEARED); }, 1h));
  }
}

TEST(Engine, LooksAtEveryFaultAfterAGap) {
  World world("healthy");
  world.engine.run_for(1min);
  // A change that no event tells of: the registry's values are not audited.
  v1::SimChange change;
  auto& value = *change.add_registry();
  value.set_key("HKLM\\" + std::string(registry_key::k_win_stations));
  value.set_name("SelfSignedCertificate");
  value.set_absent(true);
  world.host.change(change);
  world.engine.run_for(1min);
  ASSERT_EQ(world.engine.incidents(), 0u) << "something else than the gap made the engine look";

  world.engine.engine().take("System", {{}, "b", true}, nullptr);
  world.engine.run_for(10s);
  EXPECT_EQ(count_entries(world.journal, v1::JournalEntry::kEventGap), 1u);
  EXPECT_NE(world.engine.incident(k_certificate), nullptr);
}

TEST(Engine, StartsFromACheckpointAsFromTheWholeJournal) {
  sim::SimHost host(scenario("certificate-key-missing"), {});
  sim::MemoryJournal journal;
  std::string before;
  {
    RehearsedEngine engine(host, journal);
    ASSERT_TRUE(engine.run_until([&] { return engine.in_state(k_certificate, v1::INCIDENT_STATE_REPAIRED); }, 5min));
    journal.want_pruning(true);
    engine.run_for(2h);
    before = engine.incident(k_certificate)->SerializeAsString();
  }
  EXPECT_GE(count_entries(journal, v1::JournalEntry::kCheckpoint), 1u);
  RehearsedEngine again(host, journal);
  EXPECT_EQ(again.incident(k_certificate)->SerializeAsString(), before);
}

TEST(Engine, AnswersDryRunsWithEveryWriteAndWritesNothing) {
  World world("certificate-key-missing", policy_with_mode(k_certificate, v1::FAULT_MODE_OBSERVE));
  const auto before = world.host.fingerprint();
  std::optional<v1::PlanRepairResponse> plan;
  world.engine.engine().plan_repair(
      k_certificate, [&](auto result) { plan = result.value(); }, [] { return true; });
  world.engine.settle();
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->dry_runs_size(), 1);
  for (const auto& rung : plan->dry_runs(0).plan().rungs()) {
    for (const auto& step : rung.steps()) {
      EXPECT_FALSE(step.description().empty());
      EXPECT_FALSE(step.reason().empty());
    }
  }
  EXPECT_EQ(world.host.fingerprint(), before);
  EXPECT_TRUE(world.host.injector().calls().empty());
}

TEST(Engine, LooksSoonAfterAChangeOfTheHostsSettingsButNotAllTheTime) {
  World world("healthy");
  world.engine.run_for(2min);
  const auto last_sweep = [&] { return world.engine.engine().snapshot()->last_sweep; };
  const auto before = last_sweep();
  for (int i = 0; i < 100; ++i) world.engine.engine().host_changed();
  world.engine.run_for(10s);
  const auto soon = last_sweep();
  EXPECT_GT(soon, before);

  world.engine.engine().host_changed();
  world.engine.run_for(30s);
  EXPECT_EQ(last_sweep(), soon);
  world.engine.run_for(40s);
  EXPECT_GT(last_sweep(), soon);
}

TEST(Engine, LetsOnlyAFewInquiriesWaitForTheWorker) {
  World world("healthy");
  std::vector<Result<v1::DiagnoseResponse>> answers;
  const auto ask = [&] {
    world.engine.engine().diagnose(
        {}, [&](const auto& answer) { answers.push_back(answer); }, [] { return true; });
  };
  for (std::size_t i = 0; i < Inquiries::k_most_at_once + 3; ++i) ask();
  world.engine.settle();
  ASSERT_EQ(answers.size(), Inquiries::k_most_at_once + 3);
  const auto refused = std::ranges::count_if(
      answers, [](const auto& answer) { return !answer && answer.error().code == ErrorCode::exhausted; });
  EXPECT_EQ(refused, 3);
  ask();  // They are done: there is room again.
  world.engine.settle();
  EXPECT_TRUE(answers.back());
}

TEST(Engine, DoesNotCarryOutAnInquiryThatNobodyWaitsFor) {
  World world("healthy");
  std::optional<Result<v1::DiagnoseResponse>> answer;
  world.engine.engine().diagnose(
      {}, [&](const auto& given) { answer = given; }, [] { return false; });
  world.engine.settle();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error().code, ErrorCode::cancelled);
}

TEST(Engine, JournalsThatASilentSubscriptionWasOpenedAnew) {
  World world("healthy");
  v1::ChannelReopened what;
  what.set_channel("System");
  what.set_reason("the event log service was restarted");
  what.set_last_read_record(7);
  world.engine.engine().channel_reopened(what);
  world.engine.settle();
  const auto entries = all_entries(world.journal);
  const auto found = std::ranges::find_if(entries, &v1::JournalEntry::has_channel_reopened);
  ASSERT_NE(found, entries.end());
  EXPECT_EQ(found->channel_reopened().SerializeAsString(), what.SerializeAsString());
  EXPECT_EQ(found->incident_id(), 0U);
}

}  // namespace
}  // namespace rdpmend::test
