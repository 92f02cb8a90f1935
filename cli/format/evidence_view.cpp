#include "cli/format/evidence_view.hpp"

#include <fmt/format.h>

#include "cli/format/check_view.hpp"
#include "cli/format/probe_view.hpp"
#include "cli/format/table.hpp"
#include "cli/format/words.hpp"

namespace rdpmend::cli {

namespace {

using v1::Finding;

// A fault that is there, or that could not be looked for, says why below its line.
void print_finding(Page& page, const Finding& finding) {
  page.blank();
  const auto& diagnosis = finding.diagnosis();
  const bool present = finding.outcome() == Finding::OUTCOME_PRESENT;
  page.hang({{present ? name_of(diagnosis) : finding.fault_id(), Style::bold},
             {"  "},
             {word(finding.outcome()) + "  ", style_of(finding.outcome())}},
            present ? diagnosis.summary() : finding.detail());
  print_evidence(page, diagnosis.evidence());
  page.field("advice", diagnosis.advice());
  if (present && !diagnosis.repairable()) page.field("repair", "none: this one is reported only");
}

}  // namespace

std::string name_of(const v1::Diagnosis& diagnosis) {
  if (diagnosis.subject().empty()) return diagnosis.fault_id();
  return fmt::format("{} ({})", diagnosis.fault_id(), diagnosis.subject());
}

void print_evidence(Page& page, const google::protobuf::RepeatedPtrField<v1::Evidence>& evidence) {
  for (const auto& item : evidence) {
    page.hang({{"  - ", Style::dim}}, item.what());
    page.field("found", item.found(), Style::plain, 4);
    page.field("expected", item.expected(), Style::plain, 4);
    page.field("source", item.source(), Style::dim, 4);
  }
}

void print_findings(Page& page, const v1::DiagnoseResponse& response) {
  if (!response.checks().empty()) {
    print_checks(page, response.checks());
    page.blank();
  }
  Table table({"FAULT", "OUTCOME", "SUMMARY"});
  for (const auto& finding : response.findings()) {
    const bool present = finding.outcome() == Finding::OUTCOME_PRESENT;
    table.add({finding.fault_id(),
               {word(finding.outcome()), style_of(finding.outcome())},
               present ? finding.diagnosis().summary() : finding.detail()});
  }
  table.print(page);
  for (const auto& finding : response.findings()) {
    if (finding.outcome() == Finding::OUTCOME_PRESENT) print_finding(page, finding);
  }
  page.blank();
  if (response.has_loopback_probe()) page.field("loopback", probe_line(response.loopback_probe()));
  if (response.has_own_address_probe()) page.field("own address", probe_line(response.own_address_probe()));
}

}  // namespace rdpmend::cli
