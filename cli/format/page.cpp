#include "cli/format/page.hpp"

#include <algorithm>

#include "agent-lib/support/printable.hpp"

namespace rdpmend::cli {

namespace {

constexpr std::size_t k_field_name_columns = 12;
constexpr std::size_t k_least_text_columns = 20;  // Beside a prefix, on a terminal narrower than it should be.

// Nothing follows: no spaces at the end of the line.
std::vector<Span> without_trailing_spaces(std::vector<Span> spans) {
  while (!spans.empty()) {
    auto& text = spans.back().text;
    text.erase(text.find_last_not_of(' ') + 1);
    if (!text.empty()) break;
    spans.pop_back();
  }
  return spans;
}

}  // namespace

void Page::blank() {
  out_ << '\n';
}

void Page::heading(std::string_view text) {
  blank();
  hang({}, text, Style::bold);
}

void Page::text(std::string_view text, std::size_t indent, Style style) {
  if (!text.empty()) hang({{std::string(indent, ' ')}}, text, style);
}

void Page::field(std::string_view name, std::string_view value, Style style, std::size_t indent) {
  if (value.empty()) return;
  const auto padding = name.size() < k_field_name_columns ? k_field_name_columns - name.size() : 1;
  hang({{std::string(indent, ' ')}, {std::string{name}, Style::dim}, {std::string(padding, ' ')}}, value, style);
}

void Page::hang(const std::vector<Span>& prefix, std::string_view text, Style style) {
  std::size_t columns = 0;
  for (const auto& span : text.empty() ? without_trailing_spaces(prefix) : prefix) {
    const auto clean = printable(span.text);
    columns += display_width(clean);
    out_ << paint(clean, span.style, terminal_.colour);
  }
  std::size_t width = 0;
  if (terminal_.width > 0) {
    width = std::max(k_least_text_columns, terminal_.width > columns ? terminal_.width - columns : 0);
  }
  bool first = true;
  for (const auto& line : wrap(printable(text), width)) {
    if (!first) out_ << std::string(columns, ' ');
    out_ << paint(line, style, terminal_.colour) << '\n';
    first = false;
  }
}

}  // namespace rdpmend::cli
