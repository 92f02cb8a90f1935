// Libraries are looked for in System32 alone: whoever runs a program of ours from a folder that others may write to
// must not load what they put beside it. Linked into each program: packaging/cmake/windows_program.cmake says which
// come late. https://learn.microsoft.com/windows/win32/api/libloaderapi/nf-libloaderapi-setdefaultdlldirectories
#include <windows.h>
// After it.
#include <delayimp.h>

namespace {

// Before main, and before whatever else is made by then: the late libraries may be called there.
FARPROC WINAPI from_system32(unsigned moment, PDelayLoadInfo info) {
  if (moment != dliNotePreLoadLibrary) return nullptr;
  return reinterpret_cast<FARPROC>(LoadLibraryExA(info->szDll, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32));
}

// For what Windows and its libraries load by name later on.
[[maybe_unused]] const BOOL k_limited = SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);

}  // namespace

extern "C" {
#ifdef _MSC_VER
extern const PfnDliHook __pfnDliNotifyHook2 = from_system32;
#else
PfnDliHook __pfnDliNotifyHook2 = from_system32;
#endif
}
