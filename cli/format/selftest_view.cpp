#include "cli/format/selftest_view.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rdpmend::cli {

namespace {

using Check = v1::SelfTestResponse::Check;

Span outcome_of(const Check& check) {
  switch (check.outcome()) {
    case Check::OUTCOME_AS_EXPECTED: return {"as expected", Style::good};
    case Check::OUTCOME_DIFFERENT: return {"different", Style::bad};
    case Check::OUTCOME_NOT_CHECKED: return {"not checked", Style::warn};
    case Check::OUTCOME_NOT_HERE: return {"not here", Style::dim};
    default: return {"unknown", Style::warn};
  }
}

bool is_quiet(const Check& check) {
  return check.outcome() == Check::OUTCOME_AS_EXPECTED || check.outcome() == Check::OUTCOME_NOT_HERE;
}

auto count(const v1::SelfTestResponse& test, Check::Outcome outcome) {
  return std::count_if(test.checks().begin(), test.checks().end(),
                       [&](const auto& check) { return check.outcome() == outcome; });
}

void print(Page& page, const Check& check) {
  page.hang({outcome_of(check), {"  "}, {check.area() + "  ", Style::dim}}, check.what(), Style::bold);
  page.field("found", check.found(), Style::plain, 4);
  page.field("expected", check.expected(), Style::plain, 4);
  page.field("source", check.source(), Style::dim, 4);
}

}  // namespace

void print_selftest(Page& page, const v1::SelfTestResponse& test, bool all) {
  for (const auto& check : test.checks()) {
    if (all || !is_quiet(check)) print(page, check);
  }
  page.text(fmt::format("{} as expected, {} different, {} not checked, {} not here",
                        count(test, Check::OUTCOME_AS_EXPECTED), count(test, Check::OUTCOME_DIFFERENT),
                        count(test, Check::OUTCOME_NOT_CHECKED), count(test, Check::OUTCOME_NOT_HERE)));
}

}  // namespace rdpmend::cli
