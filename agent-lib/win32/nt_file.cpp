#include "agent-lib/win32/nt_file.hpp"

#include "agent-lib/win32/os_error.hpp"

#include <winternl.h>

namespace rdpmend::win32 {

Result<UniqueFile> open_exactly(const std::wstring& path, ACCESS_MASK rights, std::string_view doing) {
  std::wstring name = LR"(\??\)" + path;
  UNICODE_STRING text{};
  text.Buffer = name.data();
  text.Length = static_cast<USHORT>(name.size() * sizeof(wchar_t));
  text.MaximumLength = text.Length;
  OBJECT_ATTRIBUTES attributes{};
  InitializeObjectAttributes(&attributes, &text, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
  IO_STATUS_BLOCK done{};
  HANDLE file = nullptr;
  const NTSTATUS status = NtOpenFile(&file, rights, &attributes, &done,
                                     FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, FILE_OPEN_REPARSE_POINT);
  if (status >= 0) return UniqueFile{file};
  auto error = nt_error(doing, status);
  if (error.code == ErrorCode::not_found) return UniqueFile{};
  return fail(std::move(error));
}

}  // namespace rdpmend::win32
