#include "service/hosting/scm_command_line.hpp"

#include "agent-lib/win32/os.hpp"
#include "agent-lib/win32/unique_handle.hpp"
// After os.hpp.
#include <shellapi.h>

#include <string_view>

namespace rdpmend {

namespace {

constexpr std::wstring_view k_state_option = L"--state";

// Quoted, because a program's path with a space and without quotes would let C:\Program.exe run instead; backslashes
// before the closing quote are doubled, because it would belong to the argument otherwise.
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-createservicew
// https://learn.microsoft.com/windows/win32/api/shellapi/nf-shellapi-commandlinetoargvw
std::wstring in_quotes(const std::wstring& argument) {
  const auto last = argument.find_last_not_of(L'\\');
  const auto trailing = last == std::wstring::npos ? argument.size() : argument.size() - last - 1;
  return L'"' + argument + std::wstring(trailing, L'\\') + L'"';
}

}  // namespace

std::wstring service_command_line(const std::wstring& program, const std::optional<std::filesystem::path>& state) {
  std::wstring line = in_quotes(program) + L" service";
  if (state) line.append(L" ").append(k_state_option).append(L" ").append(in_quotes(state->wstring()));
  return line;
}

std::optional<std::filesystem::path> state_in(const std::wstring& command_line) {
  int count = 0;
  const win32::UniqueHandle<win32::LocalTraits<wchar_t**>> words(CommandLineToArgvW(command_line.c_str(), &count));
  for (int i = 1; words && i + 1 < count; ++i) {
    if (words.get()[i] == k_state_option) return words.get()[i + 1];
  }
  return std::nullopt;
}

}  // namespace rdpmend
