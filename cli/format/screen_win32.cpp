// A Windows console: https://learn.microsoft.com/windows/console/console-virtual-terminal-sequences
#include <windows.h>

#include "cli/format/screen.hpp"

namespace rdpmend::cli {

namespace {

// The code page belongs to the console, which outlives the program.
class Utf8Output {
 public:
  Utf8Output() : before_(GetConsoleOutputCP()) { SetConsoleOutputCP(CP_UTF8); }
  ~Utf8Output() { SetConsoleOutputCP(before_); }
  Utf8Output(const Utf8Output&) = delete;
  Utf8Output& operator=(const Utf8Output&) = delete;

 private:
  const UINT before_;
};

}  // namespace

std::optional<Screen> screen_of_standard_output() {
  const HANDLE console = GetStdHandle(STD_OUTPUT_HANDLE);
  DWORD mode = 0;
  if (GetConsoleMode(console, &mode) == 0) return std::nullopt;
  static const Utf8Output until_the_end;
  const bool colour = SetConsoleMode(console, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0;
  CONSOLE_SCREEN_BUFFER_INFO info{};
  const bool known = GetConsoleScreenBufferInfo(console, &info) != 0 && info.srWindow.Right >= info.srWindow.Left;
  return Screen{known ? static_cast<std::size_t>(info.srWindow.Right - info.srWindow.Left) + 1 : 0, colour};
}

}  // namespace rdpmend::cli
