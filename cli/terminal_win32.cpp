// The terminal as Windows knows it. https://learn.microsoft.com/windows/console/console-virtual-terminal-sequences
#include <windows.h>

#include "cli/terminal.hpp"

namespace rdpmend::cli {

Terminal detect_terminal() {
  const HANDLE console = GetStdHandle(STD_OUTPUT_HANDLE);
  DWORD mode = 0;
  if (GetConsoleMode(console, &mode) == 0) return {};
  SetConsoleOutputCP(CP_UTF8);
  CONSOLE_SCREEN_BUFFER_INFO info{};
  const bool known = GetConsoleScreenBufferInfo(console, &info) != 0;
  const auto width = known ? static_cast<std::size_t>(info.srWindow.Right - info.srWindow.Left + 1) : k_usual_width;
  // Consoles before Windows 10 do not know escape sequences, and refuse the mode.
  const bool escapes = SetConsoleMode(console, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0;
  return {width, escapes && !colour_is_unwanted()};
}

}  // namespace rdpmend::cli
