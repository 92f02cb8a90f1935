#include "cli/format/plan_view.hpp"

#include <fmt/format.h>

#include "cli/format/evidence_view.hpp"
#include "cli/format/words.hpp"

namespace rdpmend::cli {

namespace {

const v1::StepRecord* find_record(const v1::Repair* repair, std::uint32_t step) {
  if (repair == nullptr) return nullptr;
  for (const auto& record : repair->steps()) {
    if (record.step_number() == step) return &record;
  }
  return nullptr;
}

void print_step(Page& page, const v1::Step& step, const v1::StepRecord* record) {
  const auto number = fmt::format("  {:>2}  ", step.number());
  if (record != nullptr) {
    page.hang({{number, Style::bold}, {to_string(record->phase()) + "  ", style_of(record->phase())}},
              step.description());
    page.text(record->detail(), number.size(), style_of(record->phase()));
  } else {
    page.hang({{number, Style::bold}}, step.description());
  }
  page.text(step.reason(), number.size(), Style::dim);
  page.text(asks_first(step), number.size(), Style::warn);
}

void print_rungs(Page& page, const v1::Plan& plan, const v1::Repair* repair) {
  int number = 0;
  for (const auto& rung : plan.rungs()) {
    ++number;
    page.heading(fmt::format("Rung {}{}", number, rung.reason().empty() ? "" : ": " + rung.reason()));
    for (const auto& step : rung.steps()) print_step(page, step, find_record(repair, step.number()));
  }
}

}  // namespace

std::string asks_first(const v1::Step& step) {
  if (step.drops_sessions() && step.irreversible()) return "asks first: drops sessions, cannot be undone";
  if (step.drops_sessions()) return "asks first: drops sessions";
  return step.irreversible() ? "asks first: cannot be undone" : "";
}

void print_plan(Page& page, const v1::Plan& plan) {
  page.hang({{"Plan " + plan.id() + "  ", Style::bold}}, plan.summary());
  if (plan.reads_size() > 0) page.heading("Looked at");
  for (const auto& read : plan.reads()) page.hang({{"  "}}, read);
  print_rungs(page, plan, nullptr);
  if (plan.rungs().empty()) page.heading("Nothing to write");
  page.field("advice", plan.advice());
}

void print_repair(Page& page, const v1::Repair& repair) {
  page.heading("Repair " + repair.plan().id());
  page.text(repair.plan().summary(), 2);
  page.field("started", date_time(repair.started()));
  page.field("ended", date_time(repair.ended()));
  page.field("advice", repair.plan().advice());
  print_rungs(page, repair.plan(), &repair);
  if (!repair.has_verdict()) return;
  page.heading("Verification");
  page.hang({{"  "}, {to_string(repair.verdict().result()) + "  ", style_of(repair.verdict().result())}},
            repair.verdict().summary());
  print_evidence(page, repair.verdict().evidence());
}

}  // namespace rdpmend::cli
