// Everybody may create files in MachineKeys, so a link may be planted there: files are opened as they are, never
// through a reparse point, and one with more than one hard link is not touched.
#include "agent-lib/win32/key_files.hpp"

#include <fmt/format.h>

#include "agent-lib/win32/key_file_copy.hpp"
#include "agent-lib/win32/nt_file.hpp"
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

// Empty: there is no such file. With FILE_READ_ATTRIBUTES where we may: who may list the folder may read the attributes
// of what is in it, whatever the file's own list says ([MS-FSA] 2.1.5.1.2.1). Without them only the access list can be
// read, and written, which its owner always may: SYSTEM owns the file of the listener's key (measured.md K2).
struct OpenKeyFile {
  UniqueFile handle;
  bool has_attributes = true;
};
Result<OpenKeyFile> open_file(const Result<std::wstring>& path, ACCESS_MASK rights, std::string_view doing) {
  if (!path) return fail(path.error());
  auto opened = open_exactly(*path, rights | FILE_READ_ATTRIBUTES, doing);
  if (opened) return OpenKeyFile{std::move(*opened)};
  if (opened.error().code != ErrorCode::denied) return fail(std::move(opened).error());
  opened = open_exactly(*path, rights, doing);
  if (!opened) return fail(std::move(opened).error());
  return OpenKeyFile{std::move(*opened), false};
}

Result<KeyFile> look_at(const OpenKeyFile& file, std::string_view doing) {
  auto security = read_security(file.handle.get(), doing);
  if (!security) return fail(std::move(security).error());
  // What nobody can tell to be a plain file is none.
  if (!file.has_attributes) return KeyFile{.security = std::move(*security), .plain = false};
  BY_HANDLE_FILE_INFORMATION info{};
  if (!GetFileInformationByHandle(file.handle.get(), &info)) return fail(last_error(doing));
  return KeyFile{.security = std::move(*security),
                 .size = (std::uint64_t{info.nFileSizeHigh} << 32U) | info.nFileSizeLow,
                 .plain = is_plain_file(info)};
}

Result<std::optional<KeyFile>> find_file(const Result<std::wstring>& path, std::string_view doing) {
  const auto opened = open_file(path, READ_CONTROL, doing);
  if (!opened) return fail(opened.error());
  if (!opened->handle) return std::nullopt;
  return look_at(*opened, doing);
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.find_first_of("\\/:*?\"<>|") == std::string_view::npos && name != "." && name != "..";
}

}  // namespace

Result<std::wstring> key_file_path(std::string_view folder, std::string_view file) {
  if (folder != k_machine_keys_folder) {
    return fail(ErrorCode::invalid_argument, fmt::format("{} is no folder of private keys", folder));
  }
  if (!is_plain_name(file)) {
    return fail(ErrorCode::invalid_argument, fmt::format("{} is no name of a key file", file));
  }
  UniqueHandle<CoTaskTraits> program_data;
  const auto result = SHGetKnownFolderPath(FOLDERID_ProgramData, 0, nullptr, program_data.out());
  if (FAILED(result)) return fail(hresult_error("cannot find the ProgramData folder", result));
  return std::wstring(program_data.get()) + L"\\Microsoft\\Crypto\\" + widen(folder) + L"\\" + widen(file);
}

Result<std::optional<KeyFile>> Win32KeyFiles::find(std::string_view folder, std::string_view file) const {
  const auto doing = fmt::format("cannot look at key file {}", file);
  return find_file(key_file_path(folder, file), doing);
}

Status Win32KeyFiles::write_dacl(std::string_view folder, std::string_view file, const v1::FileSecurity& security) {
  const auto doing = fmt::format("cannot change who may use key file {}", file);
  const auto opened = open_file(key_file_path(folder, file), READ_CONTROL | WRITE_DAC, doing);
  if (!opened) return fail(opened.error());
  if (!opened->handle) return fail(ErrorCode::not_found, fmt::format("there is no key file {}\\{}", folder, file));
  const auto found = look_at(*opened, doing);
  if (!found) return fail(found.error());
  if (!found->plain) {
    return fail(ErrorCode::denied, fmt::format("{}: it is not a plain file", doing),
                "Find out who put a link or a folder where a private key belongs.");
  }
  return win32::write_dacl(opened->handle.get(), security, doing);
}

Status Win32KeyFiles::keep(std::string_view folder, std::string_view file, std::string_view kept) {
  if (auto name = may_keep(kept); !name) return name;
  const auto path = key_file_path(folder, file);
  if (!path) return fail(path.error());
  const auto copy = read_key_file(*path, fmt::format("cannot copy key file {}", file));
  if (!copy) return fail(copy.error());
  return write_kept(kept_folder_, kept, *copy);
}

Status Win32KeyFiles::put_back(std::string_view kept, std::string_view folder, std::string_view file) {
  if (auto name = may_keep(kept); !name) return name;
  const auto path = key_file_path(folder, file);
  if (!path) return fail(path.error());
  const auto copy = read_kept(kept_folder_, kept);
  if (!copy) return fail(copy.error());
  return replace_key_file(*path, *copy, fmt::format("cannot put back key file {}", file));
}

Result<std::optional<KeyFile>> Win32KeyFiles::find_aside(std::string_view aside) const {
  return find_file(aside_path(aside), fmt::format("cannot look at what lies aside as {}", aside));
}

Status Win32KeyFiles::move_aside(std::string_view folder, std::string_view file, std::string_view aside) {
  const auto from = key_file_path(folder, file);
  if (!from) return fail(from.error());
  const auto to = aside_path(aside);
  if (!to) return fail(to.error());
  return move_key_file(*from, *to, fmt::format("cannot move key file {} aside", file));
}

Status Win32KeyFiles::move_back(std::string_view aside, std::string_view folder, std::string_view file) {
  const auto from = aside_path(aside);
  if (!from) return fail(from.error());
  const auto to = key_file_path(folder, file);
  if (!to) return fail(to.error());
  return move_key_file(*from, *to, fmt::format("cannot move key file {} back", file));
}

Result<std::wstring> Win32KeyFiles::aside_path(std::string_view aside) const {
  if (auto name = may_keep(aside); !name) return fail(std::move(name).error());
  return kept_folder_ + L"\\" + widen(aside) + L".aside";
}

Status Win32KeyFiles::may_keep(std::string_view kept) const {
  if (kept_folder_.empty()) return fail(ErrorCode::unsupported, "this program has no private folder to keep keys in");
  if (!is_plain_name(kept)) return fail(ErrorCode::invalid_argument, fmt::format("{} is no plain name", kept));
  return {};
}

}  // namespace rdpmend::win32
