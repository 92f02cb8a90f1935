#include "agent-lib/rules/analysis.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/events/event_samples.hpp"

namespace rdpmend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr auto k_rcm = "Microsoft-Windows-TerminalServices-RemoteConnectionManager";
constexpr auto k_rdp_core = "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS";

v1::AnalysisReport analyze(const std::string& text) {
  std::istringstream in(text);
  const auto report = analyze_events(in, "test.xml", Catalogue::built_in());
  EXPECT_TRUE(report) << to_string(report.error());
  return report.value_or(v1::AnalysisReport{});
}

std::string event_at(int seconds, std::string_view provider, int id, std::string_view channel, std::string_view body,
                     std::string_view computer = "RDS01") {
  return fmt::format(
      "<Event xmlns='{}'><System><Provider Name='{}'/><EventID>{}</EventID><TimeCreated "
      "SystemTime='2026-08-02T10:{:02}:{:02}Z'/>"
      "<EventRecordID>{}</EventRecordID><Channel>{}</Channel><Computer>{}</Computer></System>{}</Event>\n",
      k_event_namespace, provider, id, seconds / 60, seconds % 60, seconds, channel, computer, body);
}

std::string failed_handshake(int seconds, std::string_view computer = "RDS01") {
  return event_at(
      seconds, k_rdp_core, 139, "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational",
      "<EventData><Data Name='ResultCode'>0x80090304</Data><Data Name='IPString'>10.0.0.5</Data></EventData>",
      computer);
}

TEST(Analysis, ReportsSignalsAndTheFaultsTheyPointTo) {
  std::string log;
  for (int i = 0; i < 5; ++i) {
    log += event_at(i, k_rcm, i % 2 == 0 ? 1057 : 1058, "System",
                    fmt::format("<EventData><Data>%%{}</Data></EventData>", i));
  }
  log += event_at(200, "Other", 1, "System", "");
  const auto report = analyze("<Events>" + log + "</Events>");
  EXPECT_EQ(report.file(), "test.xml");
  EXPECT_EQ(report.bytes_read(), log.size() + 17);
  EXPECT_EQ(report.events_read(), 6U);
  EXPECT_EQ(report.events_parsed(), 6U);
  EXPECT_EQ(report.events_matched(), 5U);
  EXPECT_EQ(report.events_unmatched(), 1U);
  EXPECT_EQ(report.problem_count(), 0U);
  EXPECT_THAT(report.computers(), ElementsAre("RDS01"));
  EXPECT_EQ(report.last_event().seconds() - report.first_event().seconds(), 200);

  ASSERT_EQ(report.findings_size(), 1);
  const auto& finding = report.findings(0);
  EXPECT_EQ(finding.rule_id(), "certificate_renewal_failed");
  EXPECT_THAT(finding.fault_ids(), UnorderedElementsAre("certificate_binding_broken", "certificate_expired",
                                                        "certificate_key_corrupt", "certificate_key_unreadable",
                                                        "certificate_service_disabled", "certificate_store_denied"));
  EXPECT_EQ(finding.matches(), 5U);
  EXPECT_EQ(finding.matches_by_event_id().at(1057), 3U);
  EXPECT_EQ(finding.matches_by_event_id().at(1058), 2U);
  EXPECT_EQ(finding.signals(), 2U) << "the first, and the folded rest";
  EXPECT_EQ(finding.last_event().seconds() - finding.first_event().seconds(), 4);
  ASSERT_EQ(finding.samples_size(), k_max_analysis_samples);
  EXPECT_EQ(finding.samples(0).captures().at("status"), "%%0") << "kept, never interpreted";

  ASSERT_EQ(report.faults_size(), 6) << "the whole family";
  for (const auto& fault : report.faults()) {
    EXPECT_EQ(fault.signals(), 2U) << fault.fault_id();
    EXPECT_EQ(fault.matches(), 5U) << fault.fault_id();
    EXPECT_FALSE(fault.title().empty()) << fault.fault_id();
  }
}

TEST(Analysis, CountsThresholdsByTheEventsOwnTimeInEitherOrder) {
  const std::vector<std::string> apart{failed_handshake(0), failed_handshake(301), failed_handshake(602),
                                       failed_handshake(903)};
  const std::vector<std::string> together{failed_handshake(0), failed_handshake(100), failed_handshake(200)};
  for (const bool newest_first : {false, true}) {
    const auto joined = [&](std::vector<std::string> events) {
      if (newest_first) std::reverse(events.begin(), events.end());
      std::string text;
      for (const auto& event : events) text += event;
      return text;
    };
    const auto none = analyze(joined(apart));
    EXPECT_THAT(none.faults(), IsEmpty());
    ASSERT_EQ(none.findings_size(), 1);
    EXPECT_EQ(none.findings(0).matches(), 4U);
    EXPECT_EQ(none.findings(0).signals(), 0U);
    const auto one = analyze(joined(together));
    ASSERT_EQ(one.faults_size(), 6) << newest_first << ": the rule points to the whole family";
    for (const auto& fault : one.faults()) EXPECT_EQ(fault.signals(), 1U);
  }
}

TEST(Analysis, DoesNotAddUpTheEventsOfDifferentComputers) {
  const auto report = analyze(failed_handshake(0, "A") + failed_handshake(1, "B") + failed_handshake(2, "C"));
  EXPECT_THAT(report.faults(), IsEmpty());
  EXPECT_THAT(report.findings(0).computers(), ElementsAre("A", "B", "C"));
}

TEST(Analysis, GroupsByWhatTheRuleSays) {
  const auto changed = [](int seconds, std::string_view rule_id) {
    return event_at(seconds, "Microsoft-Windows-Windows Firewall With Advanced Security", 2005,
                    "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",
                    fmt::format("<EventData><Data Name='RuleId'>{}</Data></EventData>", rule_id));
  };
  const auto report =
      analyze(changed(0, "RemoteDesktop-UserMode-In-TCP") + changed(0, "RemoteDesktop-UserMode-In-UDP") +
              changed(1, "RemoteDesktop-UserMode-In-UDP") + changed(2, "CoreNet-Diag"));
  EXPECT_EQ(report.events_matched(), 3U);
  ASSERT_EQ(report.findings_size(), 2);
  EXPECT_EQ(report.findings(0).group().at("rule_id"), "RemoteDesktop-UserMode-In-UDP") << "the most matches first";
  EXPECT_EQ(report.findings(0).matches(), 2U);
  EXPECT_EQ(report.findings(1).group().at("rule_id"), "RemoteDesktop-UserMode-In-TCP");
}

TEST(Analysis, KeepsASignOfHealthApartFromFaults) {
  const auto report =
      analyze(event_at(0, k_rcm, 1056, "System", "<EventData><Data>RDS01</Data><Binary>00ff</Binary></EventData>"));
  EXPECT_THAT(report.faults(), IsEmpty());
  ASSERT_EQ(report.findings_size(), 1);
  EXPECT_EQ(report.findings(0).effect(), v1::RULE_EFFECT_CONFIRMS);
  EXPECT_EQ(report.findings(0).samples(0).captures().at("thumbprint"), "00FF");
}

TEST(Analysis, ReportsProblemsWithTheirPlacesAndGoesOn) {
  const auto good = event_at(0, k_rcm, 1057, "System", "");
  const auto report = analyze(good + "<Event><System/></Event>\n" + good + "<Event><System>");
  EXPECT_EQ(report.events_read(), 4U);
  EXPECT_EQ(report.events_parsed(), 2U);
  EXPECT_EQ(report.problem_count(), 2U);
  ASSERT_EQ(report.problems_size(), 2);
  EXPECT_EQ(report.problems(0).line(), 2U);
  EXPECT_EQ(report.problems(0).offset(), good.size());
  EXPECT_THAT(report.problems(0).reason(), HasSubstr("Provider"));
  EXPECT_EQ(report.problems(1).line(), 4U);
}

TEST(Analysis, BoundsWhatItKeeps) {
  std::string log;
  for (std::size_t i = 0; i < 300; ++i) log += "<Event/>";
  for (std::size_t i = 0; i < k_max_analysis_findings + 100; ++i) {
    log += event_at(0, "Microsoft-Windows-Windows Firewall With Advanced Security", 2005, "",
                    fmt::format("<EventData><Data Name='RuleId'>RemoteDesktop-UserMode-In-{}</Data></EventData>", i),
                    fmt::format("HOST{}", i));
  }
  const auto report = analyze(log);
  EXPECT_EQ(report.problem_count(), 300U);
  EXPECT_EQ(static_cast<std::size_t>(report.problems_size()), k_max_analysis_problems);
  EXPECT_EQ(static_cast<std::size_t>(report.findings_size()), k_max_analysis_findings);
  EXPECT_EQ(report.matches_without_finding(), 100U);
  EXPECT_EQ(static_cast<std::size_t>(report.computers_size()), k_max_analysis_computers);
}

TEST(Analysis, DigestsTheRealExamples) {
  if (!std::filesystem::exists(k_examples)) GTEST_SKIP() << "../shared/evtx/examples.xml is absent";
  const auto report = analyze_event_file(k_examples, Catalogue::built_in());
  ASSERT_TRUE(report) << to_string(report.error());
  EXPECT_EQ(report->events_read(), k_example_events);
  EXPECT_EQ(report->events_parsed(), k_example_events);
  EXPECT_EQ(report->problem_count(), 0U);
  std::map<std::string, std::uint64_t> matches;
  for (const auto& finding : report->findings()) matches[finding.rule_id()] += finding.matches();
  EXPECT_EQ(matches["certificate_created"], 2U);
  EXPECT_EQ(matches["firewall_rule_changed"], 1U);
  EXPECT_EQ(matches["rdp_security_layer_failed"], 2U);
}

TEST(Analysis, SaysWhyAFileCannotBeRead) {
  const auto missing = analyze_event_file("/no/such/file.xml", Catalogue::built_in());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_THAT(missing.error().what, HasSubstr("/no/such/file.xml"));
}

}  // namespace
}  // namespace rdpmend
