#include "cli/format/check_view.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/format/evidence_view.hpp"
#include "cli/format/table.hpp"
#include "cli/format/words.hpp"

namespace rdpmend::cli {

namespace {

Style style_for(const v1::Check& check) {
  return check.out_of_sight() ? Style::dim : style_of(check.answer());
}

// "3 healthy, 1 faulty, 1 unknown, 1 out of sight; 1 incident open".
std::string sum_of(const v1::GetHealthResponse& health) {
  const auto count = [&](v1::Check::Answer answer, bool out_of_sight = false) {
    return std::count_if(health.checks().begin(), health.checks().end(), [&](const v1::Check& check) {
      return check.answer() == answer && check.out_of_sight() == out_of_sight;
    });
  };
  return fmt::format("{} healthy, {} faulty, {} unknown, {} out of sight; {} open", count(v1::Check::ANSWER_HEALTHY),
                     count(v1::Check::ANSWER_FAULTY), count(v1::Check::ANSWER_UNKNOWN),
                     count(v1::Check::ANSWER_UNKNOWN, true), count_of(health.open_incidents(), "incident"));
}

void print_reasons(Page& page, const v1::Check& check) {
  page.blank();
  page.hang({{check.name(), Style::bold}, {"  "}, {word(check.answer()) + "  ", style_for(check)}}, check.asks());
  for (const auto& fault : check.fault_ids()) page.field("fault", fault);
  print_evidence(page, check.evidence());
}

}  // namespace

void print_checks(Page& page, const google::protobuf::RepeatedPtrField<v1::Check>& checks) {
  Table table({"CHECK", "ANSWER", "LOOKED AT", "FOUND"});
  for (const auto& check : checks) {
    table.add(
        {check.name(), {word(check.answer()), style_for(check)}, time_of_day(check.looked_at()), check.summary()});
  }
  table.print(page);
}

void print_health(Page& page, const v1::GetHealthResponse& health, bool all) {
  page.hang({{health.host_name() + "  ", Style::bold}, {word(health.answer()), style_of(health.answer())}},
            fmt::format("  looked at {}", date_time(health.looked_at())));
  page.blank();
  print_checks(page, health.checks());
  for (const auto& check : health.checks()) {
    const bool quiet = check.answer() == v1::Check::ANSWER_HEALTHY || check.out_of_sight();
    if (all || !quiet) print_reasons(page, check);
  }
  page.blank();
  page.text(sum_of(health));
}

std::string list_of_trouble(const v1::GetHealthResponse& health) {
  std::string list;
  for (const auto& check : health.checks()) {
    if (check.answer() == v1::Check::ANSWER_HEALTHY || check.out_of_sight()) continue;
    list += fmt::format("{}{} {}", list.empty() ? "" : ", ", check.name(), word(check.answer()));
  }
  return list;
}

}  // namespace rdpmend::cli
