// Textproto written by people: parsed with every error at its place, so that one look at the messages fixes the file.
#pragma once

#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rdpmend {

inline constexpr std::size_t k_max_textproto_bytes = 1 << 20;
inline constexpr std::size_t k_max_textproto_errors = 20;

struct TextprotoError {
  int line = 1;    // 1-based.
  int column = 1;  // 1-based.
  std::string message;
};

// True: `out` is the message. False: `errors` has one or more entries (at most k_max_textproto_errors, in file order),
// and `out` is not to be used. Parsing goes on after an error where it can. `tree` may be null; it remembers where each
// field stands, for checks of what the fields mean.
bool parse_textproto(std::string_view text, google::protobuf::Message& out, std::vector<TextprotoError>& errors,
                     google::protobuf::TextFormat::ParseInfoTree* tree);

}  // namespace rdpmend
