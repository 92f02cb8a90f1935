#include "agent-lib/win32/key_file_copy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>

#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/privilege.hpp"
#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"

#include <aclapi.h>

namespace rdpmend::win32 {

namespace fs = std::filesystem;

namespace {

using Bytes = std::vector<unsigned char>;

constexpr std::size_t k_max_bytes = 1 << 20;  // A key of 16,384 bits has less than 20,000.
constexpr std::size_t k_most_kept = 8;
constexpr wchar_t k_kept_suffix[] = L".kept";
constexpr wchar_t k_unfinished_suffix[] = L".rdpmend";
constexpr DWORD k_attributes_kept = FILE_ATTRIBUTE_SYSTEM | FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_NOT_CONTENT_INDEXED;

// Before what is kept: that it is ours, and how long the two parts are that follow.
struct Header {
  std::array<char, 8> magic{'r', 'd', 'p', 'k', 'e', 'y', '0', '1'};
  DWORD attributes = 0;
  DWORD descriptor_bytes = 0;
  DWORD content_bytes = 0;
};

// Backup semantics: with SeBackup or SeRestore enabled the access list is not asked; without them they change nothing
// for a file. https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createfilew
constexpr DWORD k_as_it_is = FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS;

Result<UniqueFile> open_to_read(const std::wstring& path, std::string_view doing) {
  UniqueFile file{CreateFileW(path.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                              nullptr, OPEN_EXISTING, k_as_it_is, nullptr)};
  if (!file) return fail(last_error(doing));
  return file;
}

Result<UniqueFile> open_to_copy(const std::wstring& path, std::string_view doing) {
  auto file = open_to_read(path, doing);
  if (file || file.error().code != ErrorCode::denied) return file;
  const auto enabled = EnabledPrivileges::enable({SE_BACKUP_NAME}, doing);
  if (!enabled) return fail(enabled.error());
  return open_to_read(path, doing);
}

Result<Bytes> read_all(const UniqueFile& file, std::string_view doing) {
  LARGE_INTEGER size{};
  if (!GetFileSizeEx(file.get(), &size)) return fail(last_error(doing));
  if (size.QuadPart > static_cast<LONGLONG>(k_max_bytes)) {
    return fail(ErrorCode::exhausted, fmt::format("{}: it is larger than {} bytes", doing, k_max_bytes));
  }
  Bytes bytes(static_cast<std::size_t>(size.QuadPart));
  DWORD got = 0;
  if (!ReadFile(file.get(), bytes.data(), static_cast<DWORD>(bytes.size()), &got, nullptr)) {
    return fail(last_error(doing));
  }
  bytes.resize(got);
  return bytes;
}

Result<Bytes> read_descriptor(const UniqueFile& file, std::string_view doing) {
  UniqueHandle<LocalTraits<PSECURITY_DESCRIPTOR>> descriptor;
  const auto status =
      GetSecurityInfo(file.get(), SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, nullptr,
                      nullptr, nullptr, nullptr, descriptor.out());
  if (status != ERROR_SUCCESS) return fail(win32_error(doing, status));
  const auto* begin = static_cast<const unsigned char*>(descriptor.get());
  return Bytes(begin, begin + GetSecurityDescriptorLength(descriptor.get()));
}

Status write_all(const UniqueFile& file, const Bytes& bytes, std::string_view doing) {
  DWORD written = 0;
  if (!WriteFile(file.get(), bytes.data(), static_cast<DWORD>(bytes.size()), &written, nullptr) ||
      !FlushFileBuffers(file.get())) {
    return fail(last_error(doing));
  }
  if (written != bytes.size()) return fail(ErrorCode::unavailable, fmt::format("{}: it was cut short", doing));
  return {};
}

// By the handle that made it: its own access list may shut out who renames it by name.
// https://learn.microsoft.com/windows/win32/api/winbase/ns-winbase-file_rename_info
enum class Present { is_replaced, is_an_error };
Status rename(const UniqueFile& file, const std::wstring& to, Present present, std::string_view doing) {
  const auto name_bytes = to.size() * sizeof(wchar_t);
  std::vector<std::uint64_t> buffer((sizeof(FILE_RENAME_INFO) + name_bytes) / sizeof(std::uint64_t) + 1);
  auto* info = reinterpret_cast<FILE_RENAME_INFO*>(buffer.data());
  info->ReplaceIfExists = present == Present::is_replaced ? TRUE : FALSE;
  info->FileNameLength = static_cast<DWORD>(name_bytes);
  std::memcpy(info->FileName, to.data(), name_bytes);
  const auto size = static_cast<DWORD>(sizeof(FILE_RENAME_INFO) + name_bytes);
  if (!SetFileInformationByHandle(file.get(), FileRenameInfo, info, size)) return fail(last_error(doing));
  return {};
}

// A new file, never one that somebody has laid out under that name, which becomes `path` once it is whole.
Status write_beside(const std::wstring& path, const Bytes& bytes, DWORD attributes, SECURITY_ATTRIBUTES* security,
                    std::string_view doing) {
  const auto unfinished = path + k_unfinished_suffix;
  DeleteFileW(unfinished.c_str());
  const UniqueFile file{CreateFileW(unfinished.c_str(), GENERIC_WRITE | DELETE, 0, security, CREATE_NEW,
                                    attributes | k_as_it_is, nullptr)};
  if (!file) return fail(last_error(doing));
  auto done = write_all(file, bytes, doing);
  if (done) done = rename(file, path, Present::is_replaced, doing);
  if (!done) {
    FILE_DISPOSITION_INFO gone{TRUE};
    SetFileInformationByHandle(file.get(), FileDispositionInfo, &gone, sizeof(gone));
  }
  return done;
}

Status replace_once(const std::wstring& path, const KeyFileCopy& copy, std::string_view doing) {
  auto descriptor = copy.descriptor;
  SECURITY_ATTRIBUTES security{sizeof(SECURITY_ATTRIBUTES), descriptor.data(), FALSE};
  return write_beside(path, copy.contents, copy.attributes, &security, doing);
}

Error not_plain(std::string_view doing) {
  return {ErrorCode::denied,
          fmt::format("{}: it is not a plain file", doing),
          "Find out who put a link or a folder where a private key belongs.",
          {}};
}

// What was looked at is what is moved: it is renamed by the handle through which it was seen to be plain.
Status move_once(const std::wstring& from, const std::wstring& to, std::string_view doing) {
  const UniqueFile file{CreateFileW(from.c_str(), DELETE | FILE_READ_ATTRIBUTES,
                                    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING,
                                    k_as_it_is, nullptr)};
  if (!file) return fail(last_error(doing));
  BY_HANDLE_FILE_INFORMATION info{};
  if (!GetFileInformationByHandle(file.get(), &info)) return fail(last_error(doing));
  if (!is_plain_file(info)) return fail(not_plain(doing));
  return rename(file, to, Present::is_an_error, doing);
}

std::wstring kept_path(const std::wstring& folder, std::string_view name) {
  return folder + L"\\" + widen(name) + k_kept_suffix;
}

// Files of others may be in the folder, too; they are left alone.
void forget_oldest(const std::wstring& folder) {
  std::vector<std::pair<fs::file_time_type, fs::path>> kept;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    const auto written = entry.last_write_time(code);
    if (!code && entry.path().extension() == k_kept_suffix) kept.emplace_back(written, entry.path());
  }
  std::ranges::sort(kept, std::greater{});
  for (std::size_t i = k_most_kept; i < kept.size(); ++i) fs::remove(kept[i].second, code);
}

}  // namespace

bool is_plain_file(const BY_HANDLE_FILE_INFORMATION& info) {
  constexpr DWORD k_not_plain = FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DIRECTORY;
  return (info.dwFileAttributes & k_not_plain) == 0 && info.nNumberOfLinks == 1;
}

Result<KeyFileCopy> read_key_file(const std::wstring& path, std::string_view doing) {
  const auto file = open_to_copy(path, doing);
  if (!file) return fail(file.error());
  BY_HANDLE_FILE_INFORMATION info{};
  if (!GetFileInformationByHandle(file->get(), &info)) return fail(last_error(doing));
  if (!is_plain_file(info)) return fail(not_plain(doing));
  auto descriptor = read_descriptor(*file, doing);
  if (!descriptor) return fail(std::move(descriptor).error());
  auto contents = read_all(*file, doing);
  if (!contents) return fail(std::move(contents).error());
  return KeyFileCopy{info.dwFileAttributes & k_attributes_kept, std::move(*descriptor), std::move(*contents)};
}

// An owner other than oneself is set with SeRestore alone.
// https://learn.microsoft.com/windows/win32/secauthz/privilege-constants
Status replace_key_file(const std::wstring& path, const KeyFileCopy& copy, std::string_view doing) {
  auto done = replace_once(path, copy, doing);
  if (done || done.error().code != ErrorCode::denied) return done;
  const auto enabled = EnabledPrivileges::enable({SE_RESTORE_NAME}, doing);
  if (!enabled) return fail(enabled.error());
  return replace_once(path, copy, doing);
}

// Both privileges, because the one lets the file be renamed and the other its attributes be read.
Status move_key_file(const std::wstring& from, const std::wstring& to, std::string_view doing) {
  auto done = move_once(from, to, doing);
  if (done || done.error().code != ErrorCode::denied) return done;
  const auto enabled = EnabledPrivileges::enable({SE_BACKUP_NAME, SE_RESTORE_NAME}, doing);
  if (!enabled) return fail(enabled.error());
  return move_once(from, to, doing);
}

Status write_kept(const std::wstring& folder, std::string_view name, const KeyFileCopy& copy) {
  const Header header{.attributes = copy.attributes,
                      .descriptor_bytes = static_cast<DWORD>(copy.descriptor.size()),
                      .content_bytes = static_cast<DWORD>(copy.contents.size())};
  const auto* begin = reinterpret_cast<const unsigned char*>(&header);
  Bytes bytes(begin, begin + sizeof(header));
  bytes.insert(bytes.end(), copy.descriptor.begin(), copy.descriptor.end());
  bytes.insert(bytes.end(), copy.contents.begin(), copy.contents.end());
  auto done = write_beside(kept_path(folder, name), bytes, 0, nullptr,
                           fmt::format("cannot keep a copy of the key as {}", name));
  if (done) forget_oldest(folder);
  return done;
}

Result<KeyFileCopy> read_kept(const std::wstring& folder, std::string_view name) {
  const auto doing = fmt::format("cannot read the copy of the key that is kept as {}", name);
  const auto file = open_to_read(kept_path(folder, name), doing);
  if (!file) return fail(file.error());
  const auto bytes = read_all(*file, doing);
  if (!bytes) return fail(bytes.error());
  Header header;
  const Header expected;
  if (bytes->size() >= sizeof(header)) std::memcpy(&header, bytes->data(), sizeof(header));
  const auto whole = sizeof(header) + std::uint64_t{header.descriptor_bytes} + header.content_bytes;
  KeyFileCopy copy;
  if (header.magic == expected.magic && bytes->size() == whole) {
    const auto contents = bytes->begin() + sizeof(header) + header.descriptor_bytes;
    copy.attributes = header.attributes & k_attributes_kept;
    copy.descriptor.assign(bytes->begin() + sizeof(header), contents);
    copy.contents.assign(contents, bytes->end());
  }
  if (!IsValidSecurityDescriptor(copy.descriptor.data())) return fail(ErrorCode::corrupt, doing + ": it is damaged");
  return copy;
}

}  // namespace rdpmend::win32
