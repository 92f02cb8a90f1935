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

constexpr std::wstring_view k_key = L"SOFTWARE\\rdpmend-laboratory\\FileSecurity";
constexpr std::wstring_view k_folder = L"\\microsoft\\crypto\\";

using Bytes = std::vector<unsigned char>;
using QuerySecurity = NTSTATUS(NTAPI*)(HANDLE, SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, ULONG, PULONG);
using SetSecurity = NTSTATUS(NTAPI*)(HANDLE, SECURITY_INFORMATION, PSECURITY_DESCRIPTOR);

QuerySecurity wine_query = nullptr;
SetSecurity wine_set = nullptr;

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

Bytes wine_descriptor(HANDLE handle) {
  constexpr SECURITY_INFORMATION k_all =
      OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
  Bytes descriptor(4096);
  ULONG size = 0;
  if (wine_query(handle, k_all, descriptor.data(), static_cast<ULONG>(descriptor.size()), &size) != k_success)
    return {};
  descriptor.resize(size);
  return descriptor;
}

Bytes descriptor_of(HANDLE handle, const std::wstring& path) {
  if (const auto key = RegistryKey::open(k_key)) {
    if (auto kept = key->binary(path)) return std::move(*kept);
  }
  return wine_descriptor(handle);
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
  auto all = descriptor_of(handle, *path);
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
  // Wine checks the handle's rights.
  if (const auto status = wine_set(handle, what, descriptor); status != k_success) return status;
  auto old = descriptor_of(handle, *path);
  Parts parts(old.empty() ? nullptr : old.data(), descriptor, what);
  Bytes room;
  if (what & PROTECTED_DACL_SECURITY_INFORMATION) drop_inherited(parts.absolute, room);
  const auto merged = parts.good ? self_relative(parts.absolute) : Bytes{};
  if (merged.empty()) return k_invalid_security_descriptor;
  RegistryKey::create(k_key).set_binary(*path, merged);
  return k_success;
}

// Redirects one import of a loaded module.
void patch_import(HMODULE module, const void* original, void* replacement) {
  auto* base = reinterpret_cast<unsigned char*>(module);
  const auto* dos = reinterpret_cast<const IMAGE_DOS_HEADER*>(base);
  const auto* headers = reinterpret_cast<const IMAGE_NT_HEADERS64*>(base + dos->e_lfanew);
  const auto& directory = headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
  if (directory.Size == 0) return;
  const auto* import = reinterpret_cast<const IMAGE_IMPORT_DESCRIPTOR*>(base + directory.VirtualAddress);
  for (; import->Name != 0; ++import) {
    auto* thunk = reinterpret_cast<const void**>(base + import->FirstThunk);
    for (; *thunk; ++thunk) {
      if (*thunk != original) continue;
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

void keep_file_security() {
  const HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
  if (wine_query || !GetProcAddress(ntdll, "wine_get_version")) return;  // Windows needs no help.
  wine_query = address_in<QuerySecurity>(ntdll, "NtQuerySecurityObject");
  wine_set = address_in<SetSecurity>(ntdll, "NtSetSecurityObject");
  for (const auto* name : {L"kernelbase.dll", L"advapi32.dll"}) {
    const HMODULE module = GetModuleHandleW(name);
    if (!module) continue;
    patch_import(module, reinterpret_cast<const void*>(wine_query), reinterpret_cast<void*>(query_security));
    patch_import(module, reinterpret_cast<const void*>(wine_set), reinterpret_cast<void*>(set_security));
  }
}

void forget_file_security(std::wstring_view path) {
  RegistryKey::create(k_key).erase(lower(std::wstring(path)));
}

}  // namespace rdpmend::lab
