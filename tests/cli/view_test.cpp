// What people see of messages that need no service.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "cli/format/analysis_view.hpp"
#include "cli/format/entry_line.hpp"
#include "cli/format/explanation_view.hpp"
#include "cli/format/incident_view.hpp"
#include "cli/format/plan_view.hpp"
#include "cli/format/probe_view.hpp"
#include "rdpmend/v1/analysis.pb.h"
#include "rdpmend/v1/knowledge.pb.h"
#include "tests/cli/canned_answers.hpp"
#include "tests/cli/golden.hpp"

namespace rdpmend::cli {
namespace {

template <class Print>
std::string printed(Print print, Terminal terminal = {}) {
  std::ostringstream out;
  Page page(out, terminal);
  print(page);
  return out.str();
}

TEST(Entries, EveryKindHasItsLine) {
  const auto entries = one_entry_of_each_kind();
  std::set<int> kinds;
  for (const auto& entry : entries) kinds.insert(entry.body_case());
  EXPECT_EQ(static_cast<int>(kinds.size()), v1::JournalEntry::descriptor()->oneof_decl(0)->field_count());
  expect_golden("entries", printed([&](Page& page) {
                  EntryNarrator narrator;
                  for (const auto& entry : entries) narrator.print(page, entry);
                }));
}

TEST(Entries, AnUnknownKindIsSaidToBeOne) {
  EntryNarrator narrator;
  EXPECT_THAT(narrator.tell(v1::JournalEntry{}).text, testing::HasSubstr("not known"));
}

TEST(Entries, TheEndOfAStepSaysWhatTheStepWas) {
  EntryNarrator narrator;
  std::string last;
  for (const auto& entry : canned_answers().journal) {
    if (entry.has_step_done()) last = narrator.tell(entry).text;
    narrator.tell(entry);
  }
  EXPECT_EQ(last, "step 3 done: restart service SessionEnv");
}

TEST(Probe, AGoodOne) {
  expect_golden("probe_good", printed([](Page& page) { print_probe(page, good_probe()); }));
}

TEST(Probe, AFailedOneNamesTheRungThatFailed) {
  expect_golden("probe_failed", printed([](Page& page) { print_probe(page, failed_probe()); }));
}

TEST(Probe, AnExpiredCertificateIsCalledSo) {
  auto report = good_probe();
  report.mutable_certificate()->mutable_not_after()->set_seconds(report.started().seconds() - 86400);
  const auto text = printed([&](Page& page) { print_probe(page, report); });
  EXPECT_THAT(text, testing::HasSubstr("expired 1 d ago"));
}

TEST(Probe, NamesProtocolsAndFailures) {
  EXPECT_EQ(protocol_names(0), "standard RDP security");
  EXPECT_EQ(protocol_names(11), "TLS, CredSSP, CredSSP-EX");
  EXPECT_EQ(protocol_names(0x101), "TLS, 0x100");
  EXPECT_EQ(failure_name(5), "5 HYBRID_REQUIRED_BY_SERVER");
  EXPECT_EQ(failure_name(99), "99");
}

TEST(Plan, StepsThatNeedApprovalSaySo) {
  v1::Step step;
  EXPECT_EQ(asks_first(step), "");
  step.set_drops_sessions(true);
  EXPECT_EQ(asks_first(step), "asks first: drops sessions");
  step.set_irreversible(true);
  EXPECT_EQ(asks_first(step), "asks first: drops sessions, cannot be undone");
}

TEST(Plan, OneWithoutRungsIsAdvice) {
  const auto plan = from_text<v1::Plan>(R"(id: "9/1" summary: "Reported only" advice: "Ask whoever owns the policy")");
  EXPECT_EQ(printed([&](Page& page) { print_plan(page, plan); }),
            "Plan 9/1  Reported only\n\nNothing to write\n  advice      Ask whoever owns the policy\n");
}

TEST(Incident, OneThatCouldNotBeUndoneSaysWhy) {
  auto incident = canned_incident();
  incident.set_state(v1::INCIDENT_STATE_ESCALATED);
  incident.set_rollback_blocked("step 2: somebody added another certificate");
  incident.mutable_repair()->mutable_steps(1)->set_phase(v1::StepRecord::PHASE_UNDO_BLOCKED);
  incident.mutable_repair()->mutable_steps(1)->set_detail("somebody added another certificate");
  expect_golden("incident_blocked", printed([&](Page& page) { print_incident(page, incident); }, {100, false}));
}

TEST(Incident, EveryOpenStateSaysWhatComesNext) {
  auto incident = canned_incident();
  for (const auto state : {v1::INCIDENT_STATE_OPEN, v1::INCIDENT_STATE_AWAITING_APPROVAL, v1::INCIDENT_STATE_REPAIRING,
                           v1::INCIDENT_STATE_ROLLED_BACK, v1::INCIDENT_STATE_ESCALATED}) {
    incident.set_state(state);
    EXPECT_NE(next_step(incident), "") << state;
  }
  incident.set_state(v1::INCIDENT_STATE_AWAITING_APPROVAL);
  EXPECT_EQ(next_step(incident), "rdpmend approve 42 --plan 42/1");
}

TEST(Explanation, SaysAndDoesNotSay) {
  const auto explanation = from_text<v1::Explanation>(R"(
    code: 2308 extended: 7 knowledge: KNOWLEDGE_PAIR
    meaning { title: "The host dropped the connection while it was being set up" stage: STAGE_TLS failure: true
              says: "TCP was accepted." does_not_say: "That the certificate has expired."
              look_at: "rdpmend probe HOST"
              causes { title: "The certificate" fault: "certificate_expired" why: "Events 1057 and 1058 tell." }
              causes { title: "Something else owns the port" why: "The probe finds no X.224 there." } }
    reason { code: 2308 symbol: "disconnectReasonAtClientWinsockFDCLOSE" meaning { title: "Socket closed" } }
    sources { key: "a" title: "The disconnect reasons" url: "https://learn.microsoft.com/x" })");
  expect_golden("explanation", printed([&](Page& page) { print_explanation(page, explanation); }, {60, false}));
}

TEST(Analysis, FaultsFindingsAndProblems) {
  const auto report = from_text<v1::AnalysisReport>(R"(
    file: "System.xml" events_read: 164 events_parsed: 163 events_matched: 3 first_event { seconds: 1772366460 }
    last_event { seconds: 1772366520 } computers: "RDP1" computers: "RDP2"
    faults { fault_id: "certificate_expired" title: "The certificate" signals: 1 matches: 2
             last_event { seconds: 1772366520 } }
    findings { rule_id: "certificate_renewal_failed" why: "1058: it could not be replaced." fault_ids: "certificate_expired"
               channel: "System" provider: "TermService" matches: 2 signals: 1
               matches_by_event_id { key: 1058 value: 1 } matches_by_event_id { key: 1057 value: 1 }
               first_event { seconds: 1772366460 } last_event { seconds: 1772366520 }
               samples { event_record_id: 9 event_id: 1058 captures { key: "status" value: "%%2148073494" } } }
    findings { rule_id: "security_layer" fault_ids: "certificate_expired" matches: 1 matches_by_event_id { key: 139 value: 1 }
               channel: "Core" provider: "RdpCoreTS" group { key: "client" value: "10.0.0.1" } }
    findings { rule_id: "created" effect: RULE_EFFECT_CONFIRMS matches: 1 channel: "System" provider: "TermService"
               matches_by_event_id { key: 1056 value: 1 } }
    problem_count: 2 problems { line: 7 offset: 99 reason: "cut off" })");
  expect_golden("analysis", printed([&](Page& page) { print_analysis(page, report); }));
}

}  // namespace
}  // namespace rdpmend::cli
