#include "agent-lib/support/utf8.hpp"

#include <cstring>

namespace rdpmend {

namespace {

constexpr std::string_view k_replacement = "\xEF\xBF\xBD";

// Length of the valid sequence at the front of `text`; 0 if there is none. RFC 3629, section 4.
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  unsigned char second_low = 0x80;
  unsigned char second_high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) second_low = 0xA0;
    if (lead == 0xED) second_high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) second_low = 0x90;
    if (lead == 0xF4) second_high = 0x8F;
  }
  if (length == 0 || text.size() < length || at(1) < second_low || at(1) > second_high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

void append_code_point(std::uint32_t code, std::string& out) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

}  // namespace

bool is_ascii(std::string_view text) {
  // Eight bytes at a time: every value of every event passes here.
  constexpr std::uint64_t k_high_bits = 0x8080808080808080;
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    if ((word & k_high_bits) != 0) return false;
  }
  for (; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) >= 0x80) return false;
  }
  return true;
}

std::size_t find_invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto length = sequence_length(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

std::string to_valid_utf8(std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto length = sequence_length(text);
    out.append(length == 0 ? k_replacement : text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string to_utf8(const std::filesystem::path& path) {
  const auto name = path.u8string();
  return to_valid_utf8(std::string(name.begin(), name.end()));
}

std::filesystem::path path_from_utf8(std::string_view text) {
  return std::u8string(text.begin(), text.end());
}

void Utf16Decoder::append(std::string_view bytes, std::string& out) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (!odd_byte_) {
      odd_byte_ = byte;
      continue;
    }
    const unsigned high = big_endian_ ? *odd_byte_ : byte;
    const unsigned low = big_endian_ ? byte : *odd_byte_;
    odd_byte_.reset();
    take(static_cast<char16_t>((high << 8) | low), out);
  }
}

void Utf16Decoder::take(char16_t unit, std::string& out) {
  const bool is_low = unit >= 0xDC00 && unit <= 0xDFFF;
  if (high_surrogate_) {
    const std::uint32_t high = *high_surrogate_;
    high_surrogate_.reset();
    if (is_low) {
      append_code_point(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00U), out);
      return;
    }
    out.append(k_replacement);
  }
  if (unit >= 0xD800 && unit <= 0xDBFF) {
    high_surrogate_ = unit;
  } else if (is_low) {
    out.append(k_replacement);
  } else {
    append_code_point(unit, out);
  }
}

void Utf16Decoder::finish(std::string& out) {
  if (high_surrogate_ || odd_byte_) out.append(k_replacement);
  high_surrogate_.reset();
  odd_byte_.reset();
}

}  // namespace rdpmend
