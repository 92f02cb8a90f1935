// Text from outside becomes valid UTF-8 here: protobuf refuses anything else, and one bad byte must not cost an event.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace rdpmend {

bool is_ascii(std::string_view text);

// Where the first byte is that is not part of a valid sequence (overlong forms and surrogates are not); npos: nowhere.
std::size_t find_invalid_utf8(std::string_view text);

// The same text with U+FFFD for every byte that is not part of a valid sequence (overlong forms and surrogates are
// not).
std::string to_valid_utf8(std::string_view text);

// A file's name for messages. Not path::string(): on Windows that is the ANSI code page and may throw.
std::string to_utf8(const std::filesystem::path& path);
std::filesystem::path path_from_utf8(std::string_view text);

// UTF-16 in pieces of any length to UTF-8; U+FFFD for a surrogate without its partner.
class Utf16Decoder {
 public:
  explicit Utf16Decoder(bool big_endian) : big_endian_(big_endian) {}
  void append(std::string_view bytes, std::string& out);
  // What is left half at the end of the text.
  void finish(std::string& out);

 private:
  void take(char16_t unit, std::string& out);

  bool big_endian_;
  std::optional<unsigned char> odd_byte_;
  std::optional<char16_t> high_surrogate_;
};

}  // namespace rdpmend
