#include "tests/wine/lab/file_security.hpp"

#include <windows.h>
#include <winternl.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/wine/lab/lab_registry.hpp"

namespace rdpmend::lab {

namespace {

constexpr NTSTATUS k_success = 0;
constexpr NTSTATUS k_buffer_too_small = static_cast<NTSTATUS>(0xC0000023);
constexpr NTSTATUS k_invalid_security_descriptor = static_cast<NTSTATUS>(0xC0000079);
constexpr NTSTATUS k_access_violation = static_cast<NTSTATUS>(0xC0000005);
constexpr NTSTATUS k_access_denied = static_cast<NTSTATUS>(0xC0000022);
constexpr NTSTATUS k_invalid_owner = static_cast<NTSTATUS>(0xC000005A);
constexpr int k_rename_information = 10;  // FILE_INFORMATION_CLASS, in the kernel's headers alone.

constexpr std::wstring_view k_key = L"SOFTWARE\\rdpmend-laboratory\\FileSecurity";
constexpr std::wstring_view k_folder = L"\\microsoft\\crypto\\";

using Bytes = std::vector<unsigned char>;
using QuerySecurity = NTSTATUS(NTAPI*)(HANDLE, SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, ULONG, PULONG);
using SetSecurity = NTSTATUS(NTAPI*)(HANDLE, SECURITY_INFORMATION, PSECURITY_DESCRIPTOR);
using NtOpen = NTSTATUS(NTAPI*)(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES, PIO_STATUS_BLOCK, ULONG, ULONG);
using NtCreate = NTSTATUS(NTAPI*)(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES, PIO_STATUS_BLOCK, PLARGE_INTEGER, ULONG,
                                  ULONG, ULONG, ULONG, PVOID, ULONG);
using SetInformation = NTSTATUS(NTAPI*)(HANDLE, PIO_STATUS_BLOCK, PVOID, ULONG, int);

QuerySecurity wine_query = nullptr;
SetSecurity wine_set = nullptr;
NtOpen wine_open = nullptr;
NtCreate wine_create = nullptr;
SetInformation wine_set_information = nullptr;
std::optional<Account> asking;

std::wstring lower(std::wstring text) {
  CharLowerBuffW(text.data(), static_cast<DWORD>(text.size()));
  return text;
}

// Of a file below the folder of keys; nullopt: anything else, which is none of our business.
std::optional<std::wstring> kept_path(HANDLE handle) {
  if (GetFileType(handle) != FILE_TYPE_DISK) return std::nullopt;
  std::wstring path(MAX_PATH * 2, L'\0');
  const DWORD length = GetFinalPathNameByHandleW(handle, path.data(), static_cast<DWORD>(path.size()), 0);
  if (length == 0 || length >= path.size()) return std::nullopt;
  path.resize(length);
  path = lower(std::move(path));
  if (path.starts_with(LR"(\\?\)")) path.erase(0, 4);
  if (path.find(k_folder) == std::wstring::npos) return std::nullopt;
  return path;
}

// The same of what is to be opened.
std::optional<std::wstring> kept_path(const OBJECT_ATTRIBUTES* attributes) {
  if (!attributes || attributes->RootDirectory || !attributes->ObjectName) return std::nullopt;
  const auto& name = *attributes->ObjectName;
  auto path = lower({name.Buffer, name.Length / sizeof(wchar_t)});
  if (!path.starts_with(LR"(\??\)") || path.find(k_folder) == std::wstring::npos) return std::nullopt;
  return path.erase(0, 4);
}

std::optional<Bytes> kept_descriptor(const std::wstring& path) {
  const auto key = RegistryKey::open(k_key);
  return key ? key->binary(path) : std::nullopt;
}

bool has_rights(HANDLE handle, ACCESS_MASK wanted) {
  PUBLIC_OBJECT_BASIC_INFORMATION info{};
  return NtQueryObject(handle, ObjectBasicInformation, &info, sizeof info, nullptr) == k_success &&
         (info.GrantedAccess & wanted) == wanted;
}

// By a handle of its own: the caller's need not have the right to read it.
Bytes wine_descriptor(const std::wstring& path) {
  constexpr SECURITY_INFORMATION k_all =
      OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
  const HANDLE handle = CreateFileW(path.c_str(), READ_CONTROL, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                    nullptr, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr);
  if (handle == INVALID_HANDLE_VALUE) return {};
  Bytes descriptor(4096);
  ULONG size = 0;
  const auto status = wine_query(handle, k_all, descriptor.data(), static_cast<ULONG>(descriptor.size()), &size);
  CloseHandle(handle);
  descriptor.resize(status == k_success ? size : 0);
  return descriptor;
}

Bytes descriptor_of(const std::wstring& path) {
  auto kept = kept_descriptor(path);
  return kept ? std::move(*kept) : wine_descriptor(path);
}

// A descriptor in parts that point into `from` and `over`: of `over` what `what` names, the rest of `from`.
struct Parts {
  SECURITY_DESCRIPTOR absolute{};
  bool good = false;

  Parts(PSECURITY_DESCRIPTOR from, PSECURITY_DESCRIPTOR over, SECURITY_INFORMATION what) {
    InitializeSecurityDescriptor(&absolute, SECURITY_DESCRIPTOR_REVISION);
    good = owner(what & OWNER_SECURITY_INFORMATION ? over : from) &&
           group(what & GROUP_SECURITY_INFORMATION ? over : from) &&
           dacl(what & DACL_SECURITY_INFORMATION ? over : from);
    if (what & PROTECTED_DACL_SECURITY_INFORMATION) protect(SE_DACL_PROTECTED);
    if (what & UNPROTECTED_DACL_SECURITY_INFORMATION) protect(0);
  }
  bool owner(PSECURITY_DESCRIPTOR from) {
    PSID sid = nullptr;
    BOOL defaulted = FALSE;
    return from && GetSecurityDescriptorOwner(from, &sid, &defaulted) &&
           SetSecurityDescriptorOwner(&absolute, sid, FALSE);
  }
  bool group(PSECURITY_DESCRIPTOR from) {
    PSID sid = nullptr;
    BOOL defaulted = FALSE;
    return from && GetSecurityDescriptorGroup(from, &sid, &defaulted) &&
           SetSecurityDescriptorGroup(&absolute, sid, FALSE);
  }
  bool dacl(PSECURITY_DESCRIPTOR from) {
    PACL list = nullptr;
    BOOL present = FALSE, defaulted = FALSE;
    SECURITY_DESCRIPTOR_CONTROL control = 0;
    DWORD revision = 0;
    if (!from || !GetSecurityDescriptorDacl(from, &present, &list, &defaulted)) return false;
    if (!SetSecurityDescriptorDacl(&absolute, present, list, FALSE)) return false;
    if (GetSecurityDescriptorControl(from, &control, &revision)) protect(control & SE_DACL_PROTECTED);
    return true;
  }
  void protect(SECURITY_DESCRIPTOR_CONTROL bit) { SetSecurityDescriptorControl(&absolute, SE_DACL_PROTECTED, bit); }
};

Bytes self_relative(SECURITY_DESCRIPTOR& absolute) {
  DWORD size = 0;
  MakeSelfRelativeSD(&absolute, nullptr, &size);
  Bytes bytes(size);
  if (size == 0 || !MakeSelfRelativeSD(&absolute, bytes.data(), &size)) return {};
  return bytes;
}

// The parts of a descriptor that are asked for.
Bytes only(Bytes& descriptor, SECURITY_INFORMATION what) {
  Parts parts(descriptor.data(), nullptr, 0);
  if (!parts.good) return {};
  if (!(what & OWNER_SECURITY_INFORMATION)) SetSecurityDescriptorOwner(&parts.absolute, nullptr, FALSE);
  if (!(what & GROUP_SECURITY_INFORMATION)) SetSecurityDescriptorGroup(&parts.absolute, nullptr, FALSE);
  if (!(what & DACL_SECURITY_INFORMATION)) SetSecurityDescriptorDacl(&parts.absolute, FALSE, nullptr, FALSE);
  return self_relative(parts.absolute);
}

// Wine's SetSecurityInfo adds what the parent hands down even to a list that is to be protected from it.
// https://learn.microsoft.com/windows/win32/secauthz/automatic-propagation-of-inheritable-aces
void drop_inherited(SECURITY_DESCRIPTOR& descriptor, Bytes& room) {
  PACL list = nullptr;
  BOOL present = FALSE, defaulted = FALSE;
  if (!GetSecurityDescriptorDacl(&descriptor, &present, &list, &defaulted) || !present || !list) return;
  const auto* begin = reinterpret_cast<const unsigned char*>(list);
  room.assign(begin, begin + list->AclSize);
  auto* copy = reinterpret_cast<PACL>(room.data());
  for (DWORD i = copy->AceCount; i-- > 0;) {
    void* ace = nullptr;
    if (GetAce(copy, i, &ace) && (static_cast<ACE_HEADER*>(ace)->AceFlags & INHERITED_ACE) != 0) DeleteAce(copy, i);
  }
  SetSecurityDescriptorDacl(&descriptor, TRUE, copy, FALSE);
}

NTSTATUS NTAPI query_security(HANDLE handle, SECURITY_INFORMATION what, PSECURITY_DESCRIPTOR out, ULONG size,
                              PULONG needed) {
  const auto path = kept_path(handle);
  if (!path) return wine_query(handle, what, out, size, needed);
  if (!has_rights(handle, READ_CONTROL)) return k_access_denied;
  auto all = descriptor_of(*path);
  if (all.empty()) return wine_query(handle, what, out, size, needed);
  const auto answer = only(all, what);
  if (answer.empty()) return k_invalid_security_descriptor;
  if (needed) *needed = static_cast<ULONG>(answer.size());
  if (size < answer.size()) return k_buffer_too_small;
  if (!out) return k_access_violation;
  std::copy(answer.begin(), answer.end(), static_cast<unsigned char*>(out));
  return k_success;
}

NTSTATUS NTAPI set_security(HANDLE handle, SECURITY_INFORMATION what, PSECURITY_DESCRIPTOR descriptor) {
  const auto path = kept_path(handle);
  if (!path) return wine_set(handle, what, descriptor);
  // Not Wine's too: it would make a file mode of the list, and the Unix user that all accounts are may be shut out.
  const bool owner = (what & OWNER_SECURITY_INFORMATION) != 0, list = (what & DACL_SECURITY_INFORMATION) != 0;
  if (!has_rights(handle, (owner ? WRITE_OWNER : 0U) | (list ? WRITE_DAC : 0U))) return k_access_denied;
  auto old = descriptor_of(*path);
  Parts parts(old.empty() ? nullptr : old.data(), descriptor, what);
  Bytes room;
  if (what & PROTECTED_DACL_SECURITY_INFORMATION) drop_inherited(parts.absolute, room);
  const auto merged = parts.good ? self_relative(parts.absolute) : Bytes{};
  if (merged.empty()) return k_invalid_security_descriptor;
  RegistryKey::create(k_key).set_binary(*path, merged);
  return k_success;
}

ACCESS_MASK file_rights(ACCESS_MASK rights) {
  GENERIC_MAPPING mapping{FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS};
  MapGenericMask(&rights, &mapping);
  return rights & ~static_cast<ACCESS_MASK>(MAXIMUM_ALLOWED);
}

// Of a file with a list that was given to it.
bool is_refused(const std::wstring& path, ACCESS_MASK desired, ULONG options) {
  auto descriptor = asking ? kept_descriptor(path) : std::nullopt;
  if (!descriptor) return false;
  auto folder = kept_descriptor(path.substr(0, path.rfind(L'\\')));
  auto granted = granted_rights(*asking, descriptor->data(), folder ? folder->data() : nullptr);
  if (options & FILE_OPEN_FOR_BACKUP_INTENT) granted |= rights_by_privilege();
  // Wine's DeleteFile asks for it; Windows' does not.
  if (options & FILE_DELETE_ON_CLOSE) granted |= SYNCHRONIZE;
  return (file_rights(desired) & ~granted) != 0;
}

NTSTATUS NTAPI open_file(PHANDLE handle, ACCESS_MASK desired, POBJECT_ATTRIBUTES attributes, PIO_STATUS_BLOCK done,
                         ULONG share, ULONG options) {
  const auto path = kept_path(attributes);
  if (path && is_refused(*path, desired, options)) return k_access_denied;
  return wine_open(handle, desired, attributes, done, share, options);
}

// A new file has the list that it is made with, or none that we know of.
void remember(const std::wstring& path, PSECURITY_DESCRIPTOR descriptor) {
  auto key = RegistryKey::create(k_key);
  Parts parts(descriptor, nullptr, 0);
  if (parts.good)
    key.set_binary(path, self_relative(parts.absolute));
  else
    key.erase(path);
}

bool names_a_strange_owner(PSECURITY_DESCRIPTOR descriptor) {
  PSID owner = nullptr;
  BOOL defaulted = FALSE;
  return asking && descriptor && GetSecurityDescriptorOwner(descriptor, &owner, &defaulted) && owner &&
         !may_own(*asking, owner);
}

NTSTATUS NTAPI create_file(PHANDLE handle, ACCESS_MASK desired, POBJECT_ATTRIBUTES attributes, PIO_STATUS_BLOCK done,
                           PLARGE_INTEGER size, ULONG file_attributes, ULONG share, ULONG disposition, ULONG options,
                           PVOID extended, ULONG extended_size) {
  const auto create = [&](POBJECT_ATTRIBUTES how) {
    return wine_create(handle, desired, how, done, size, file_attributes, share, disposition, options, extended,
                       extended_size);
  };
  const auto path = kept_path(attributes);
  if (!path) return create(attributes);
  if (GetFileAttributesW(path->c_str()) != INVALID_FILE_ATTRIBUTES)
    return is_refused(*path, desired, options) ? k_access_denied : create(attributes);
  if (names_a_strange_owner(attributes->SecurityDescriptor)) return k_invalid_owner;
  OBJECT_ATTRIBUTES without_list = *attributes;
  without_list.SecurityDescriptor = nullptr;
  const auto status = create(&without_list);
  if (status == k_success) remember(*path, attributes->SecurityDescriptor);
  return status;
}

// A file takes its list along.
NTSTATUS NTAPI set_information(HANDLE handle, PIO_STATUS_BLOCK done, PVOID information, ULONG size, int type) {
  const auto from = type == k_rename_information ? kept_path(handle) : std::nullopt;
  const auto status = wine_set_information(handle, done, information, size, type);
  if (!from || status != k_success) return status;
  auto key = RegistryKey::create(k_key);
  const auto descriptor = key.binary(*from);
  const auto to = kept_path(handle);
  if (descriptor) key.erase(*from);
  if (to && descriptor) key.set_binary(*to, *descriptor);
  if (to && !descriptor) key.erase(*to);
  return status;
}

// Redirects one import of a loaded module. By name: what the laboratory's DLL has redirected the program itself may
// redirect again.
void patch_import(HMODULE module, std::string_view name, void* replacement) {
  auto* base = reinterpret_cast<unsigned char*>(module);
  const auto* dos = reinterpret_cast<const IMAGE_DOS_HEADER*>(base);
  const auto* headers = reinterpret_cast<const IMAGE_NT_HEADERS64*>(base + dos->e_lfanew);
  const auto& directory = headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
  if (directory.Size == 0) return;
  const auto* import = reinterpret_cast<const IMAGE_IMPORT_DESCRIPTOR*>(base + directory.VirtualAddress);
  for (; import->Name != 0; ++import) {
    const auto* names = reinterpret_cast<const IMAGE_THUNK_DATA64*>(base + import->OriginalFirstThunk);
    auto* thunk = reinterpret_cast<const void**>(base + import->FirstThunk);
    for (; *thunk; ++thunk, ++names) {
      if (IMAGE_SNAP_BY_ORDINAL64(names->u1.Ordinal)) continue;
      const auto* found = reinterpret_cast<const IMAGE_IMPORT_BY_NAME*>(base + names->u1.AddressOfData);
      if (name != reinterpret_cast<const char*>(found->Name)) continue;
      DWORD protection = 0;
      VirtualProtect(thunk, sizeof *thunk, PAGE_READWRITE, &protection);
      *thunk = replacement;
      VirtualProtect(thunk, sizeof *thunk, protection, &protection);
    }
  }
}

template <class Function>
Function address_in(HMODULE module, const char* name) {
  return reinterpret_cast<Function>(reinterpret_cast<void*>(GetProcAddress(module, name)));
}

}  // namespace

void keep_file_security(std::optional<Account> account) {
  const HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
  if (!GetProcAddress(ntdll, "wine_get_version")) return;  // Windows needs no help.
  asking = account;
  if (wine_query) return;
  wine_query = address_in<QuerySecurity>(ntdll, "NtQuerySecurityObject");
  wine_set = address_in<SetSecurity>(ntdll, "NtSetSecurityObject");
  wine_open = address_in<NtOpen>(ntdll, "NtOpenFile");
  wine_create = address_in<NtCreate>(ntdll, "NtCreateFile");
  wine_set_information = address_in<SetInformation>(ntdll, "NtSetInformationFile");
  const std::pair<const char*, void*> replacements[] = {
      {"NtQuerySecurityObject", reinterpret_cast<void*>(query_security)},
      {"NtSetSecurityObject", reinterpret_cast<void*>(set_security)},
      {"NtOpenFile", reinterpret_cast<void*>(open_file)},
      {"NtCreateFile", reinterpret_cast<void*>(create_file)},
      {"NtSetInformationFile", reinterpret_cast<void*>(set_information)}};
  for (const HMODULE module :
       {GetModuleHandleW(L"kernelbase.dll"), GetModuleHandleW(L"advapi32.dll"), GetModuleHandleW(nullptr)}) {
    if (!module) continue;
    for (const auto& [name, replacement] : replacements) patch_import(module, name, replacement);
  }
}

}  // namespace rdpmend::lab
