#include "cli/format/terminal.hpp"

#include <cstdlib>
#include <string_view>

#include "cli/format/screen.hpp"

namespace rdpmend::cli {

namespace {

// https://no-color.org
bool colour_is_unwanted() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return (no_colour != nullptr && *no_colour != '\0') || (term != nullptr && std::string_view{term} == "dumb");
}

}  // namespace

Terminal detect_terminal() {
  const auto screen = screen_of_standard_output();
  if (!screen) return {};
  return {screen->width > 0 ? screen->width : k_usual_width, screen->colour && !colour_is_unwanted()};
}

}  // namespace rdpmend::cli
