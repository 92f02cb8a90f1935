// Everybody may create files in MachineKeys, so a link may be planted there: files are opened as they are, never
// through a reparse point, and one with more than one hard link is not touched.
#include "agent-lib/win32/key_files.hpp"

#include <fmt/format.h>

#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/security_descriptor.hpp"
#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"

#include <objbase.h>
#include <shlobj.h>

namespace rdpmend::win32 {

namespace {

struct CoTaskTraits {
  using Raw = wchar_t*;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { CoTaskMemFree(raw); }
};

// With FILE_FLAG_BACKUP_SEMANTICS directories open, too: to be told apart from files that are not there.
// Empty: there is no such file.
Result<UniqueFile> open_file(std::string_view folder, std::string_view file, DWORD rights, std::string_view doing) {
  const auto path = key_file_path(folder, file);
  if (!path) return fail(path.error());
  UniqueFile opened{CreateFileW(path->c_str(), rights | FILE_READ_ATTRIBUTES | READ_CONTROL,
                                FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING,
                                FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS, nullptr)};
  if (opened) return opened;
  auto error = last_error(doing);
  if (error.code == ErrorCode::not_found) return UniqueFile{};
  return fail(std::move(error));
}

Result<KeyFile> look_at(const UniqueFile& file, std::string_view doing) {
  BY_HANDLE_FILE_INFORMATION info{};
  if (!GetFileInformationByHandle(file.get(), &info)) return fail(last_error(doing));
  auto security = read_security(file.get(), doing);
  if (!security) return fail(std::move(security).error());
  constexpr DWORD k_not_plain = FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DIRECTORY;
  return KeyFile{.security = std::move(*security),
                 .size = (std::uint64_t{info.nFileSizeHigh} << 32U) | info.nFileSizeLow,
                 .plain = (info.dwFileAttributes & k_not_plain) == 0 && info.nNumberOfLinks == 1};
}

}  // namespace

Result<std::wstring> key_file_path(std::string_view folder, std::string_view file) {
  if (folder != k_machine_keys_folder) {
    return fail(ErrorCode::invalid_argument, fmt::format("{} is no folder of private keys", folder));
  }
  if (file.empty() || file.find_first_of("\\/:*?\"<>|") != std::string_view::npos || file == "." || file == "..") {
    return fail(ErrorCode::invalid_argument, fmt::format("{} is no name of a key file", file));
  }
  UniqueHandle<CoTaskTraits> program_data;
  const auto result = SHGetKnownFolderPath(FOLDERID_ProgramData, 0, nullptr, program_data.out());
  if (FAILED(result)) return fail(hresult_error("cannot find the ProgramData folder", result));
  return std::wstring(program_data.get()) + L"\\Microsoft\\Crypto\\" + widen(folder) + L"\\" + widen(file);
}

Result<std::optional<KeyFile>> Win32KeyFiles::find(std::string_view folder, std::string_view file) const {
  const auto doing = fmt::format("cannot look at key file {}", file);
  const auto opened = open_file(folder, file, 0, doing);
  if (!opened) return fail(opened.error());
  if (!*opened) return std::nullopt;
  return look_at(*opened, doing);
}

Status Win32KeyFiles::write_dacl(std::string_view folder, std::string_view file, const v1::FileSecurity& security) {
  const auto doing = fmt::format("cannot change who may use key file {}", file);
  const auto opened = open_file(folder, file, WRITE_DAC, doing);
  if (!opened) return fail(opened.error());
  if (!*opened) return fail(ErrorCode::not_found, fmt::format("there is no key file {}\\{}", folder, file));
  const auto found = look_at(*opened, doing);
  if (!found) return fail(found.error());
  if (!found->plain) {
    return fail(ErrorCode::denied, fmt::format("{}: it is not a plain file", doing),
                "Find out who put a link or a folder where a private key belongs.");
  }
  return win32::write_dacl(opened->get(), security, doing);
}

Status Win32KeyFiles::keep(std::string_view, std::string_view, std::string_view) {
  return fail(ErrorCode::unsupported, "key files cannot be kept yet");
}

Status Win32KeyFiles::put_back(std::string_view, std::string_view, std::string_view) {
  return fail(ErrorCode::unsupported, "key files cannot be put back yet");
}

}  // namespace rdpmend::win32
