#include "cli/format/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace rdpmend::cli {

namespace {

constexpr std::string_view k_replacement = "\xEF\xBF\xBD";  // U+FFFD

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
CodePoint decode(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  char32_t value = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(text[i])) return {};
    value = (value << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> k_smallest{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < k_smallest[length] || value > 0x10FFFF || surrogate) return {};
  return {value, length, true};
}

struct Range {
  char32_t first, last;
};

template <std::size_t N>
bool within(const std::array<Range, N>& ranges, char32_t value) {
  return std::any_of(ranges.begin(), ranges.end(), [&](Range r) { return value >= r.first && value <= r.last; });
}

// C0, DEL, C1, and what changes the direction of the text around it.
bool is_hostile(char32_t value) {
  constexpr std::array<Range, 6> k_hostile{
      {{0x00, 0x1F}, {0x7F, 0x9F}, {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069}, {0xFEFF, 0xFEFF}}};
  return within(k_hostile, value);
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
    const auto point = decode(text.substr(bytes));
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

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto point = decode(text);
    if (point.valid && (point.value == '\n' || point.value == '\t' || point.value == '\r')) {
      out += ' ';
    } else if (!point.valid || is_hostile(point.value)) {
      out += k_replacement;
    } else {
      out += text.substr(0, point.bytes);
    }
    text.remove_prefix(point.bytes);
  }
  return out;
}

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const auto point = decode(text);
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
