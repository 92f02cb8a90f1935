// Linux and its like.
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/format/screen.hpp"

namespace rdpmend::cli {

std::optional<Screen> screen_of_standard_output() {
  if (isatty(STDOUT_FILENO) == 0) return std::nullopt;
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  return Screen{known ? size.ws_col : std::size_t{0}, true};
}

}  // namespace rdpmend::cli
