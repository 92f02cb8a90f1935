// Textproto files that people give the service: read with a bound, and their problems told at their places.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "agent-lib/support/textproto.hpp"

namespace rdpmend {

// At most one byte more than the parser accepts, which then says that it is too much. `what`: "configuration file".
// `instead`: what to do where it is not there.
Result<std::string> read_textproto(const std::filesystem::path& file, std::string_view what, std::string_view instead);

// "NAME:LINE:COLUMN: message.", in the order of their places.
std::vector<std::string> problems_at(const std::string& name, std::vector<TextprotoError> errors);

}  // namespace rdpmend
