#include "agent-lib/support/printable.hpp"

#include <algorithm>
#include <array>

namespace rdpmend {

namespace {

constexpr std::string_view k_replacement = "\xEF\xBF\xBD";  // U+FFFD

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

struct Range {
  char32_t first, last;
};

// C0, DEL, C1, and what changes the direction of the text around it.
bool is_hostile(char32_t value) {
  constexpr std::array<Range, 6> k_hostile{
      {{0x00, 0x1F}, {0x7F, 0x9F}, {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069}, {0xFEFF, 0xFEFF}}};
  return std::any_of(k_hostile.begin(), k_hostile.end(),
                     [&](Range range) { return value >= range.first && value <= range.last; });
}

}  // namespace

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
CodePoint decode_utf8(std::string_view text) {
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

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto point = decode_utf8(text);
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

bool is_printable(std::string_view text) {
  return printable(text) == text;
}

std::string clipped(std::string_view text, std::size_t max_bytes) {
  constexpr std::string_view k_mark = "...";
  if (text.size() <= max_bytes) return std::string{text};
  auto kept = max_bytes - std::min(max_bytes, k_mark.size());
  while (kept > 0 && is_continuation(text[kept])) --kept;
  return std::string{text.substr(0, kept)}.append(k_mark);
}

}  // namespace rdpmend
