// Bytes as upper-case hex, the way Windows shows thumbprints.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace rdpmend {

std::string to_hex(std::span<const unsigned char> bytes);
std::string to_hex(std::string_view bytes);
// Accepts either case; nullopt if the length is odd or a character is no hex digit.
std::optional<std::string> from_hex(std::string_view hex);

}  // namespace rdpmend
