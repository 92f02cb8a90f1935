#include "cli/terminal.hpp"

#include <cstdlib>
#include <string_view>

namespace rdpmend::cli {

bool colour_is_unwanted() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return (no_colour != nullptr && *no_colour != '\0') || (term != nullptr && std::string_view{term} == "dumb");
}

}  // namespace rdpmend::cli
