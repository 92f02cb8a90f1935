// Windows keeps what a program was called with in UTF-16.
#include <windows.h>

#include <shellapi.h>

#include <memory>
#include <string_view>

#include "agent-lib/support/arguments.hpp"
#include "agent-lib/support/utf8.hpp"

namespace rdpmend {

namespace {

struct LocalMemory {
  void operator()(wchar_t** memory) const { LocalFree(memory); }
};

std::string to_utf8(std::wstring_view text) {
  std::string out;
  Utf16Decoder decoder(false);
  decoder.append({reinterpret_cast<const char*>(text.data()), text.size() * sizeof(wchar_t)}, out);
  decoder.finish(out);
  return out;
}

}  // namespace

// Not argv: without the manifest's code page, which Windows knows since 1903, it has lost what is not in the ANSI one.
// https://learn.microsoft.com/windows/win32/sbscs/application-manifests
std::vector<std::string> utf8_arguments(int, char**) {
  int count = 0;
  const std::unique_ptr<wchar_t*, LocalMemory> wide(CommandLineToArgvW(GetCommandLineW(), &count));
  std::vector<std::string> arguments;
  for (int i = 1; wide && i < count; ++i) arguments.push_back(to_utf8(std::wstring_view(wide.get()[i])));
  return arguments;
}

}  // namespace rdpmend
