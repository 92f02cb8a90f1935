// Access lists protect: https://learn.microsoft.com/windows/win32/secauthz/security-descriptor-string-format
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "agent-lib/support/utf8.hpp"
#include "agent-lib/win32/os.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"
#include "service/os/private_file.hpp"
// After os.hpp.
#include <aclapi.h>
#include <sddl.h>

namespace rdpmend {

namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;
using win32::last_error;
using win32::win32_error;
using Descriptor = win32::UniqueHandle<win32::LocalTraits<PSECURITY_DESCRIPTOR>>;

// A virus scanner or a reader that has the file open keeps it from being replaced, for a moment.
constexpr auto k_replace_within = 2s;
constexpr auto k_replace_again_after = 20ms;
constexpr std::size_t k_most_entries = 10'000;  // Of a folder that was open to others.

struct Sid {
  std::array<std::byte, SECURITY_MAX_SID_SIZE> bytes{};
  PSID get() { return bytes.data(); }
};

Sid well_known(WELL_KNOWN_SID_TYPE type) {
  Sid sid;
  DWORD size = static_cast<DWORD>(sid.bytes.size());
  CreateWellKnownSid(type, nullptr, sid.get(), &size);
  return sid;
}

// The user of this process.
Result<Sid> own_sid() {
  win32::UniqueKernel token;
  if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, token.out()) == 0)
    return fail(last_error("cannot open the process's token"));
  std::array<std::byte, sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE> buffer{};
  DWORD size = 0;
  if (GetTokenInformation(token.get(), TokenUser, buffer.data(), static_cast<DWORD>(buffer.size()), &size) == 0)
    return fail(last_error("cannot read the process's token"));
  Sid sid;
  const auto* user = reinterpret_cast<const TOKEN_USER*>(buffer.data());
  if (CopySid(static_cast<DWORD>(sid.bytes.size()), sid.get(), user->User.Sid) == 0)
    return fail(last_error("cannot read the process's user"));
  return sid;
}

// Whom private files are for.
struct Insiders {
  Sid system = well_known(WinLocalSystemSid);
  Sid administrators = well_known(WinBuiltinAdministratorsSid);
  std::optional<Sid> user;  // Who runs this, if that is neither: a rehearsal by a user without such rights.

  bool contain(PSID sid) {
    return EqualSid(sid, system.get()) || EqualSid(sid, administrators.get()) || (user && EqualSid(sid, user->get()));
  }
};

Result<Insiders> insiders() {
  Insiders result;
  auto user = own_sid();
  if (!user) return fail(std::move(user).error());
  BOOL administrator = FALSE;
  if (CheckTokenMembership(nullptr, result.administrators.get(), &administrator) == 0)
    return fail(last_error("cannot look up the process's groups"));
  if (administrator == FALSE && !EqualSid(user->get(), result.system.get())) result.user = *user;
  return result;
}

// "D:P": this list and nothing inherited. FA: everything. SY, BA: SYSTEM, Administrators. OICI: what is made in it too.
Result<Descriptor> private_descriptor(bool folder) {
  auto whom = insiders();
  if (!whom) return fail(std::move(whom).error());
  const std::wstring flags = folder ? L"OICI" : L"";
  std::wstring sddl = L"D:P(A;" + flags + L";FA;;;SY)(A;" + flags + L";FA;;;BA)";
  if (whom->user) {
    win32::UniqueHandle<win32::LocalTraits<wchar_t*>> text;
    if (ConvertSidToStringSidW(whom->user->get(), text.out()) == 0)
      return fail(last_error("cannot name the process's user"));
    sddl += L"(A;" + flags + L";FA;;;" + text.get() + L")";
  }
  Descriptor descriptor;
  if (ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl.c_str(), SDDL_REVISION_1, descriptor.out(), nullptr) ==
      0)
    return fail(last_error("cannot make an access list"));
  return descriptor;
}

SECURITY_ATTRIBUTES attributes_of(const Descriptor& descriptor) {
  return {sizeof(SECURITY_ATTRIBUTES), descriptor.get(), FALSE};
}

bool lets_others_in(PACL dacl, Insiders& whom) {
  if (dacl == nullptr) return true;
  for (DWORD i = 0; i < dacl->AceCount; ++i) {
    void* entry = nullptr;
    if (GetAce(dacl, i, &entry) == 0) return true;
    const auto* header = static_cast<const ACE_HEADER*>(entry);
    if (header->AceType == ACCESS_DENIED_ACE_TYPE) continue;
    if (header->AceType != ACCESS_ALLOWED_ACE_TYPE) return true;
    if (!whom.contain(&static_cast<ACCESS_ALLOWED_ACE*>(entry)->SidStart)) return true;
  }
  return false;
}

// A file or folder that is there, by handle: what is looked at and changed is this one, not what somebody puts in its
// place.
struct Existing {
  win32::UniqueFile handle;
  DWORD attributes = 0;
  Descriptor descriptor;
  PSID owner = nullptr;  // These two point into it.
  PACL dacl = nullptr;
};

Result<Existing> open_existing(const fs::path& path, DWORD more_access, const std::string& doing) {
  Existing found;
  found.handle.reset(CreateFileW(path.c_str(), READ_CONTROL | FILE_READ_ATTRIBUTES | more_access,
                                 FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING,
                                 FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, nullptr));
  if (!found.handle) return fail(last_error(doing));
  BY_HANDLE_FILE_INFORMATION info{};
  if (GetFileInformationByHandle(found.handle.get(), &info) == 0) return fail(last_error(doing));
  found.attributes = info.dwFileAttributes;
  if (const DWORD code =
          GetSecurityInfo(found.handle.get(), SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                          &found.owner, nullptr, &found.dacl, nullptr, found.descriptor.out());
      code != ERROR_SUCCESS)
    return fail(win32_error(doing, code));
  return found;
}

// Of a stranger's file, or behind a link, could be anything.
Status must_be_ours(const Existing& found, Insiders& whom, const std::string& doing) {
  constexpr const char* k_hint = "Look at what it is, remove it, and try again.";
  if ((found.attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
    return fail(ErrorCode::conflict, doing + ": it is a link", k_hint);
  auto user = own_sid();
  if (!user) return fail(std::move(user).error());
  if (found.owner == nullptr || (!whom.contain(found.owner) && !EqualSid(found.owner, user->get())))
    return fail(ErrorCode::denied, doing + ": it belongs to somebody who is neither SYSTEM nor an administrator",
                k_hint);
  return {};
}

// While the folder was open to others they may have put keys and configuration of theirs into it, with access lists
// that the folder's new one does not reach:
// https://learn.microsoft.com/windows/win32/api/aclapi/nf-aclapi-setsecurityinfo
Status content_must_be_ours(const fs::path& folder, Insiders& whom) {
  std::error_code code;
  std::size_t seen = 0;
  for (auto at = fs::recursive_directory_iterator(folder, code); !code && at != fs::end(at); at.increment(code)) {
    const auto doing = fmt::format("cannot use {}", to_utf8(at->path()));
    if (++seen > k_most_entries)
      return fail(ErrorCode::exhausted, fmt::format("cannot use folder {}: there is too much in it", to_utf8(folder)),
                  "Choose a folder of the service's own.");
    const auto found = open_existing(at->path(), 0, doing);
    if (!found) return fail(found.error());
    if (auto ours = must_be_ours(*found, whom, doing); !ours) return ours;
  }
  if (code) return fail(win32_error(fmt::format("cannot read folder {}", to_utf8(folder)), code.value()));
  return {};
}

Status set_list(const Existing& folder, PSECURITY_DESCRIPTOR from, const std::string& doing) {
  BOOL present = FALSE;
  BOOL defaulted = FALSE;
  PACL list = nullptr;
  SECURITY_DESCRIPTOR_CONTROL control = 0;
  DWORD revision = 0;
  GetSecurityDescriptorDacl(from, &present, &list, &defaulted);
  GetSecurityDescriptorControl(from, &control, &revision);
  const auto inheritance =
      (control & SE_DACL_PROTECTED) != 0 ? PROTECTED_DACL_SECURITY_INFORMATION : UNPROTECTED_DACL_SECURITY_INFORMATION;
  if (const DWORD code = SetSecurityInfo(folder.handle.get(), SE_FILE_OBJECT, DACL_SECURITY_INFORMATION | inheritance,
                                         nullptr, nullptr, list, nullptr);
      code != ERROR_SUCCESS)
    return fail(win32_error(doing, code));
  return {};
}

Status secure_existing(const fs::path& path) {
  const auto doing = fmt::format("cannot use folder {}", to_utf8(path));
  const auto folder = open_existing(path, WRITE_DAC, doing);
  if (!folder) return fail(folder.error());
  if ((folder->attributes & FILE_ATTRIBUTE_DIRECTORY) == 0)
    return fail(ErrorCode::conflict, doing + ": it is a file", "Remove it, or choose another state folder.");
  auto whom = insiders();
  if (!whom) return fail(std::move(whom).error());
  if (auto ours = must_be_ours(*folder, *whom, doing); !ours) return ours;
  if (!lets_others_in(folder->dacl, *whom)) return {};
  if (auto ours = content_must_be_ours(path, *whom); !ours) return ours;
  const auto wanted = private_descriptor(true);
  if (!wanted) return fail(wanted.error());
  if (auto closed = set_list(*folder, wanted->get(), doing); !closed) return closed;
  // Again, because something may have come into it meanwhile. What is refused is left open, so that it is looked
  // through the next time too.
  auto ours = content_must_be_ours(path, *whom);
  if (!ours) (void)set_list(*folder, folder->descriptor.get(), doing);
  return ours;
}

Status write_new(const fs::path& file, std::string_view bytes, const std::string& doing) {
  const auto descriptor = private_descriptor(false);
  if (!descriptor) return fail(descriptor.error());
  auto attributes = attributes_of(*descriptor);
  // CREATE_NEW: a new file or none, so that no link laid out before is followed.
  const win32::UniqueFile out(
      CreateFileW(file.c_str(), GENERIC_WRITE, 0, &attributes, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, nullptr));
  if (!out) return fail(last_error(doing));
  DWORD written = 0;
  if (WriteFile(out.get(), bytes.data(), static_cast<DWORD>(bytes.size()), &written, nullptr) == 0 ||
      written != bytes.size() || FlushFileBuffers(out.get()) == 0)
    return fail(last_error(doing));
  return {};
}

Status replace(const fs::path& from, const fs::path& to, const std::string& doing) {
  const auto until = std::chrono::steady_clock::now() + k_replace_within;
  while (MoveFileExW(from.c_str(), to.c_str(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) == 0) {
    const DWORD code = GetLastError();
    const bool may_pass = code == ERROR_SHARING_VIOLATION || code == ERROR_ACCESS_DENIED;
    if (!may_pass || std::chrono::steady_clock::now() >= until) return fail(win32_error(doing, code));
    std::this_thread::sleep_for(k_replace_again_after);
  }
  return {};
}

}  // namespace

Status make_private_folder(const fs::path& folder) {
  std::error_code code;
  if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), code);
  const auto descriptor = private_descriptor(true);
  if (!descriptor) return fail(descriptor.error());
  auto attributes = attributes_of(*descriptor);
  if (CreateDirectoryW(folder.c_str(), &attributes) != 0) return {};
  if (const DWORD error = GetLastError(); error != ERROR_ALREADY_EXISTS)
    return fail(win32_error(fmt::format("cannot make folder {}", to_utf8(folder)), error));
  return secure_existing(folder);
}

Status write_private_file(const fs::path& file, std::string_view bytes) {
  const auto doing = fmt::format("cannot write {}", to_utf8(file));
  const auto unfinished = fs::path(file) += L".new";
  DeleteFileW(unfinished.c_str());
  auto done = write_new(unfinished, bytes, doing);
  if (done) done = replace(unfinished, file, doing);
  if (!done) DeleteFileW(unfinished.c_str());
  return done;
}

Result<std::string> read_small_file(const fs::path& file, std::size_t most) {
  const auto doing = fmt::format("cannot read {}", to_utf8(file));
  const win32::UniqueFile in(CreateFileW(file.c_str(), GENERIC_READ,
                                         FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING,
                                         FILE_ATTRIBUTE_NORMAL, nullptr));
  if (!in) return fail(last_error(doing));
  std::string bytes(most + 1, '\0');
  std::size_t filled = 0;
  for (DWORD got = 1; got != 0 && filled < bytes.size(); filled += got) {
    if (ReadFile(in.get(), bytes.data() + filled, static_cast<DWORD>(bytes.size() - filled), &got, nullptr) == 0)
      return fail(last_error(doing));
  }
  bytes.resize(filled);
  if (bytes.size() > most)
    return fail(ErrorCode::invalid_argument, fmt::format("{}: it is larger than {} bytes", doing, most));
  return bytes;
}

}  // namespace rdpmend
