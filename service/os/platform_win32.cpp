// https://learn.microsoft.com/windows/console/console-virtual-terminal-sequences
// https://learn.microsoft.com/windows/win32/shell/knownfolderid (FOLDERID_ProgramData)
#include "agent-lib/win32/os.hpp"
// After it.
#include <objbase.h>
#include <shlobj.h>

#include <cstdlib>
#include <iterator>

#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"
#include "service/os/platform.hpp"

namespace rdpmend {

namespace {

struct TaskMemoryTraits {
  using Raw = wchar_t*;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { CoTaskMemFree(raw); }
};

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

void enable_colours(DWORD stream) {
  const HANDLE console = GetStdHandle(stream);
  DWORD mode = 0;
  if (GetConsoleMode(console, &mode) != 0) SetConsoleMode(console, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
}

}  // namespace

std::filesystem::path default_state_folder() {
  win32::UniqueHandle<TaskMemoryTraits> folder;
  if (FAILED(SHGetKnownFolderPath(FOLDERID_ProgramData, KF_FLAG_DEFAULT, nullptr, folder.out())) || !folder)
    return L"C:\\ProgramData\\rdpmend";
  return std::filesystem::path(folder.get()) / L"rdpmend";
}

std::string machine_name() {
  wchar_t name[256] = {};
  DWORD size = static_cast<DWORD>(std::size(name));
  return GetComputerNameExW(ComputerNameDnsHostname, name, &size) != 0 ? win32::narrow({name, size}) : "localhost";
}

// Not ExitProcess, nor what calls it: it runs the libraries' ends, which may wait for a lock that a hung thread holds.
// https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-exitprocess
void end_process_now(int exit_code) {
  TerminateProcess(GetCurrentProcess(), static_cast<UINT>(exit_code));
  std::abort();
}

void prepare_terminal() {
  static const Utf8Output until_the_end;
  enable_colours(STD_OUTPUT_HANDLE);
  enable_colours(STD_ERROR_HANDLE);
}

}  // namespace rdpmend
