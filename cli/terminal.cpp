#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

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
  if (isatty(STDOUT_FILENO) == 0) return {};
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return {known ? size.ws_col : k_usual_width, !colour_is_unwanted()};
}

}  // namespace rdpmend::cli
