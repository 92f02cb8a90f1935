#include "cli/format/selftest_view.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rdpmend::cli {

namespace {

using Finding = v1::SelfTestResponse::Finding;

Span outcome_of(const Finding& finding) {
  switch (finding.outcome()) {
    case Finding::OUTCOME_AS_EXPECTED: return {"as expected", Style::good};
    case Finding::OUTCOME_DIFFERENT: return {"different", Style::bad};
    case Finding::OUTCOME_NOT_CHECKED: return {"not checked", Style::warn};
    case Finding::OUTCOME_NOT_HERE: return {"not here", Style::dim};
    default: return {"unknown", Style::warn};
  }
}

bool is_quiet(const Finding& finding) {
  return finding.outcome() == Finding::OUTCOME_AS_EXPECTED || finding.outcome() == Finding::OUTCOME_NOT_HERE;
}

auto count(const v1::SelfTestResponse& test, Finding::Outcome outcome) {
  return std::count_if(test.findings().begin(), test.findings().end(),
                       [&](const auto& finding) { return finding.outcome() == outcome; });
}

void print(Page& page, const Finding& finding) {
  page.hang({outcome_of(finding), {"  "}, {finding.area() + "  ", Style::dim}}, finding.what(), Style::bold);
  page.field("found", finding.found(), Style::plain, 4);
  page.field("expected", finding.expected(), Style::plain, 4);
  page.field("source", finding.source(), Style::dim, 4);
}

}  // namespace

void print_selftest(Page& page, const v1::SelfTestResponse& test, bool all) {
  for (const auto& finding : test.findings()) {
    if (all || !is_quiet(finding)) print(page, finding);
  }
  page.text(fmt::format("{} as expected, {} different, {} not checked, {} not here",
                        count(test, Finding::OUTCOME_AS_EXPECTED), count(test, Finding::OUTCOME_DIFFERENT),
                        count(test, Finding::OUTCOME_NOT_CHECKED), count(test, Finding::OUTCOME_NOT_HERE)));
}

}  // namespace rdpmend::cli
