// Text from outside that people will read on a terminal or in a file of lines: it must not drive the one nor break the
// other.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rdpmend {

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 1;
  bool valid = false;
};
// The first one of a text that is not empty; one byte that is not valid if there is none. RFC 3629.
CodePoint decode_utf8(std::string_view text);

// Control and bidirectional characters and broken UTF-8 become U+FFFD, so that what an event or a certificate holds
// cannot drive the reader's terminal. Tabs and line breaks become spaces.
std::string printable(std::string_view text);
// Whether printable() would change nothing.
bool is_printable(std::string_view text);

// At most so many bytes, cut between characters; what was cut ends in "...".
std::string clipped(std::string_view text, std::size_t max_bytes);

}  // namespace rdpmend
