#include "cli/arguments.hpp"

#include <filesystem>

#include "agent-lib/support/utf8.hpp"

#include <windows.h>

#include <shellapi.h>

namespace rdpmend::cli {

// main's own arguments are in the ANSI code page where Windows does not know the manifest's activeCodePage, before
// 1903: https://learn.microsoft.com/windows/win32/sbscs/application-manifests
std::vector<std::string> utf8_arguments(int argc, char** argv) {
  int count = 0;
  wchar_t** wide = CommandLineToArgvW(GetCommandLineW(), &count);
  if (wide == nullptr) return {argv, argv + argc};
  std::vector<std::string> arguments;
  for (int i = 0; i < count; ++i)
    arguments.push_back(to_utf8(std::filesystem::path(wide[i], std::filesystem::path::native_format)));
  LocalFree(wide);
  return arguments;
}

}  // namespace rdpmend::cli
