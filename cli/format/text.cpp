#include "cli/format/text.hpp"

#include <algorithm>
#include <array>

#include "agent-lib/support/printable.hpp"

namespace rdpmend::cli {

namespace {

struct Range {
  char32_t first, last;
};

template <std::size_t N>
bool within(const std::array<Range, N>& ranges, char32_t value) {
  return std::any_of(ranges.begin(), ranges.end(), [&](Range r) { return value >= r.first && value <= r.last; });
}

// The blocks of UAX #11 (East Asian Width W and F) and of combining marks that matter to people's names.
std::size_t width_of(char32_t value) {
  constexpr std::array<Range, 5> k_zero{
      {{0x0300, 0x036F}, {0x200B, 0x200D}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}}};
  constexpr std::array<Range, 9> k_wide{{{0x1100, 0x115F},
                                         {0x2E80, 0x303E},
                                         {0x3041, 0xA4CF},
                                         {0xAC00, 0xD7A3},
                                         {0xF900, 0xFAFF},
                                         {0xFE30, 0xFE6F},
                                         {0xFF00, 0xFF60},
                                         {0x1F300, 0x1FAFF},
                                         {0x20000, 0x3FFFD}}};
  if (value < 0x300) return 1;
  if (within(k_zero, value)) return 0;
  return within(k_wide, value) ? 2 : 1;
}

// The longest prefix of at most `width` columns, at least one character.
std::size_t prefix_bytes(std::string_view text, std::size_t width) {
  std::size_t bytes = 0;
  std::size_t columns = 0;
  while (bytes < text.size()) {
    const auto point = decode_utf8(text.substr(bytes));
    columns += width_of(point.value);
    if (columns > width && bytes > 0) break;
    bytes += point.bytes;
  }
  return bytes;
}

std::string without_trailing_spaces(std::string_view text) {
  return std::string{text.substr(0, text.find_last_not_of(' ') + 1)};
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const auto point = decode_utf8(text);
    columns += width_of(point.value);
    text.remove_prefix(point.bytes);
  }
  return columns;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  if (width == 0 || display_width(text) <= width) return {std::string{text}};
  std::vector<std::string> lines;
  while (display_width(text) > width) {
    const auto fits = prefix_bytes(text, width);
    // A space right behind the last column is a break as good as one before it.
    const auto space = text.substr(0, fits + 1).rfind(' ');
    const bool at_word = space != std::string_view::npos && space > 0;
    lines.push_back(without_trailing_spaces(text.substr(0, at_word ? space : fits)));
    text.remove_prefix(at_word ? space : fits);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  if (!text.empty() || lines.empty()) lines.emplace_back(text);
  return lines;
}

std::string paint(std::string_view text, Style style, bool colour) {
  if (!colour || style == Style::plain || text.empty()) return std::string{text};
  constexpr std::array<std::string_view, 6> k_sequences{"", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[31m"};
  std::string out{k_sequences[static_cast<std::size_t>(style)]};
  out += text;
  out += "\x1b[0m";
  return out;
}

}  // namespace rdpmend::cli
