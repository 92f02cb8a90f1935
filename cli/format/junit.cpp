#include "cli/format/junit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "agent-lib/support/printable.hpp"
#include "cli/format/words.hpp"

namespace rdpmend::cli {

namespace {

// For attributes and text alike. After printable() these are the last characters that XML 1.0 forbids.
std::string xml(std::string_view text) {
  const auto clean = printable(text);
  std::string out;
  for (std::string_view rest = clean; !rest.empty();) {
    const auto point = decode_utf8(rest);
    switch (point.value) {
      case U'&': out += "&amp;"; break;
      case U'<': out += "&lt;"; break;
      case U'>': out += "&gt;"; break;
      case U'"': out += "&quot;"; break;
      case 0xFFFE:
      case 0xFFFF: out += "\xEF\xBF\xBD"; break;
      default: out += rest.substr(0, point.bytes);
    }
    rest.remove_prefix(point.bytes);
  }
  return out;
}

std::string evidence_lines(const v1::Check& check) {
  std::string lines;
  for (const auto& item : check.evidence()) {
    lines += fmt::format("{}: {}", xml(item.what()), xml(item.found()));
    if (!item.expected().empty()) lines += fmt::format("; expected: {}", xml(item.expected()));
    lines += fmt::format(" ({})\n", xml(item.source()));
  }
  return lines;
}

std::string result_of(const v1::Check& check) {
  switch (check.answer()) {
    case v1::Check::ANSWER_HEALTHY: return fmt::format("<system-out>{}</system-out>", xml(check.summary()));
    case v1::Check::ANSWER_FAULTY:
      return fmt::format("<failure type=\"faulty\" message=\"{}\">{}</failure>", xml(check.summary()),
                         evidence_lines(check));
    default: return fmt::format("<skipped message=\"{}\"/>", xml(check.summary()));
  }
}

auto count_of_answer(const v1::GetHealthResponse& health, v1::Check::Answer answer) {
  return std::count_if(health.checks().begin(), health.checks().end(),
                       [&](const v1::Check& check) { return check.answer() == answer; });
}

}  // namespace

std::string to_junit(const v1::GetHealthResponse& health) {
  const auto failures = count_of_answer(health, v1::Check::ANSWER_FAULTY);
  const auto skipped = health.checks_size() - failures - count_of_answer(health, v1::Check::ANSWER_HEALTHY);
  const auto counts = fmt::format("tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"0\"",
                                  health.checks_size(), failures, skipped);
  auto out = fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {}>\n", counts);
  // To the second and without a zone, as strict readers want it; UTC.
  const auto looked_at = to_iso8601(from_proto(health.looked_at())).substr(0, std::size("YYYY-MM-DDThh:mm:ss") - 1);
  out += fmt::format("  <testsuite name=\"rdpmend health\" hostname=\"{}\" timestamp=\"{}\" {}>\n",
                     xml(health.host_name()), looked_at, counts);
  for (const auto& check : health.checks()) {
    out +=
        fmt::format("    <testcase classname=\"rdpmend.health\" name=\"{}\" time=\"0\">\n      {}\n    </testcase>\n",
                    xml(check.name()), result_of(check));
  }
  return out + "  </testsuite>\n</testsuites>\n";
}

}  // namespace rdpmend::cli
