#include "cli/format/analysis_view.hpp"

#include <fmt/format.h>

#include "cli/format/table.hpp"
#include "cli/format/words.hpp"

namespace rdpmend::cli {

namespace {

std::string period(const google::protobuf::Timestamp& first, const google::protobuf::Timestamp& last) {
  if (first.seconds() == last.seconds()) return date_time(first);
  return fmt::format("{} to {}", date_time(first), date_time(last));
}

void print_totals(Page& page, const v1::AnalysisReport& report) {
  page.hang({{report.file() + "  ", Style::bold}},
            fmt::format("{}, {} matched by a rule", count_of(report.events_read(), "event"), report.events_matched()));
  page.blank();
  page.field("period", period(report.first_event(), report.last_event()));
  page.field("computers", fmt::format("{}", fmt::join(report.computers(), ", ")));
  if (report.problem_count() > 0) {
    page.field("problems", fmt::format("{}, listed below", count_of(report.problem_count(), "unreadable event")),
               Style::bad);
  }
}

void print_faults(Page& page, const v1::AnalysisReport& report) {
  page.heading("Faults that the events point to");
  if (report.faults().empty()) {
    page.text("none", 2);
    return;
  }
  Table table({"FAULT", ">SIGNALS", ">EVENTS", "LAST (UTC)", "WHAT IT IS"});
  for (const auto& fault : report.faults()) {
    table.add({{fault.fault_id(), Style::warn},
               std::to_string(fault.signals()),
               std::to_string(fault.matches()),
               date(fault.last_event()) + " " + time_of_day(fault.last_event()),
               fault.title()});
  }
  table.print(page);
}

std::string ids_of(const v1::AnalysisFinding& finding) {
  std::string text;
  for (const auto& [id, matches] :
       std::map(finding.matches_by_event_id().begin(), finding.matches_by_event_id().end())) {
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", id, count_of(matches, "time"));
  }
  return text;
}

std::string captures_of(const google::protobuf::Map<std::string, std::string>& captures) {
  std::string text;
  for (const auto& [name, value] : std::map(captures.begin(), captures.end())) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, value);
  }
  return text;
}

std::string points_to(const v1::AnalysisFinding& finding) {
  if (finding.effect() == v1::RULE_EFFECT_CONFIRMS) return "a sign of health";
  if (finding.fault_ids().empty()) return "nothing; recorded only";
  const auto faults = fmt::format("{}", fmt::join(finding.fault_ids(), ", "));
  return finding.signals() == 0 ? faults + ", but too few events to signal it" : faults;
}

void print_finding(Page& page, const v1::AnalysisFinding& finding) {
  page.blank();
  page.hang({{"  " + finding.rule_id() + "  ", Style::bold}}, count_of(finding.matches(), "event"));
  page.text(finding.why(), 4);
  page.field("points to", points_to(finding), Style::plain, 4);
  page.field("events", fmt::format("{} of {} in {}", ids_of(finding), finding.provider(), finding.channel()),
             Style::plain, 4);
  page.field("group", captures_of(finding.group()), Style::plain, 4);
  page.field("period", period(finding.first_event(), finding.last_event()), Style::plain, 4);
  for (const auto& sample : finding.samples()) {
    if (sample.captures().empty()) continue;
    page.field("example", fmt::format("record {}: {}", sample.event_record_id(), captures_of(sample.captures())),
               Style::dim, 4);
  }
}

void print_problems(Page& page, const v1::AnalysisReport& report) {
  if (report.problem_count() == 0) return;
  page.heading("Unreadable events");
  for (const auto& problem : report.problems()) {
    page.hang({{fmt::format("  {}:{}: ", report.file(), problem.line())}}, problem.reason(), Style::bad);
  }
  const auto listed = static_cast<std::uint64_t>(report.problems_size());
  if (report.problem_count() > listed) page.text(fmt::format("and {} more", report.problem_count() - listed), 2);
}

}  // namespace

void print_analysis(Page& page, const v1::AnalysisReport& report) {
  print_totals(page, report);
  print_faults(page, report);
  if (!report.findings().empty()) page.heading("Rules that matched");
  for (const auto& finding : report.findings()) print_finding(page, finding);
  if (report.matches_without_finding() > 0) {
    page.text(fmt::format("and {} of further groups", count_of(report.matches_without_finding(), "event")), 2);
  }
  print_problems(page, report);
  if (report.faults().empty()) return;
  page.blank();
  page.text("Events are hints; the state of the host decides. On the host itself: rdpmend diagnose", 0, Style::dim);
}

}  // namespace rdpmend::cli
