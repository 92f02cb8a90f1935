// The word for a value of the vocabulary, made of its name in the proto file.
#pragma once

#include <string>
#include <string_view>

namespace rdpmend {

// INCIDENT_STATE_AWAITING_APPROVAL without INCIDENT_STATE_ is "awaiting approval". A value that this program is too old
// to know has no name.
std::string enum_word(std::string_view name, std::string_view prefix);

}  // namespace rdpmend
