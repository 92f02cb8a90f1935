// The terminal as POSIX systems know it.
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/terminal.hpp"

namespace rdpmend::cli {

Terminal detect_terminal() {
  if (isatty(STDOUT_FILENO) == 0) return {};
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return {known ? size.ws_col : k_usual_width, !colour_is_unwanted()};
}

}  // namespace rdpmend::cli
