#include "agent-lib/win32/security_descriptor.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"

#include <aclapi.h>
#include <sddl.h>

namespace rdpmend::win32 {

namespace {

constexpr DWORD k_inherited = INHERITED_ACE;

Result<std::string> to_text(PSID sid, std::string_view doing) {
  UniqueHandle<LocalTraits<wchar_t*>> text;
  if (!ConvertSidToStringSidW(sid, text.out())) return fail(last_error(doing));
  return narrow(text.get());
}

Result<v1::Ace> to_ace(const ACE_HEADER& header, std::string_view doing) {
  v1::Ace ace;
  if (header.AceType != ACCESS_ALLOWED_ACE_TYPE && header.AceType != ACCESS_DENIED_ACE_TYPE) {
    return fail(ErrorCode::unsupported,
                fmt::format("{}: its access list has an entry of type {}", doing, header.AceType),
                "Such lists are left alone; change it by hand.");
  }
  ace.set_type(header.AceType == ACCESS_ALLOWED_ACE_TYPE ? v1::Ace::TYPE_ALLOW : v1::Ace::TYPE_DENY);
  // Both kinds have one layout. https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-access_allowed_ace
  const auto& entry = reinterpret_cast<const ACCESS_ALLOWED_ACE&>(header);
  const auto sid = to_text(const_cast<DWORD*>(&entry.SidStart), doing);
  if (!sid) return fail(sid.error());
  ace.set_sid(*sid);
  ace.set_mask(entry.Mask);
  ace.set_flags(header.AceFlags);
  return ace;
}

Status add_entries(ACL* dacl, v1::FileSecurity& security, std::string_view doing) {
  for (DWORD i = 0; i < dacl->AceCount; ++i) {
    void* entry = nullptr;
    if (!GetAce(dacl, i, &entry)) return fail(last_error(doing));
    auto ace = to_ace(*static_cast<const ACE_HEADER*>(entry), doing);
    if (!ace) return fail(std::move(ace).error());
    *security.add_dacl() = std::move(*ace);
  }
  return {};
}

// An ACL with the entries that are the file's own; inherited ones come from its folder.
class OwnEntries {
 public:
  static Result<OwnEntries> build(const v1::FileSecurity& security, std::string_view doing) {
    OwnEntries list;
    std::vector<UniqueHandle<LocalTraits<PSID>>> sids;
    DWORD size = sizeof(ACL);
    for (const auto& ace : security.dacl()) {
      auto& sid = sids.emplace_back();
      if (!ConvertStringSidToSidW(widen(ace.sid()).c_str(), sid.out())) return fail(last_error(doing));
      size += static_cast<DWORD>(sizeof(ACCESS_ALLOWED_ACE)) + GetLengthSid(sid.get());
    }
    list.buffer_.resize(size / sizeof(DWORD) + 1);
    const auto bytes = static_cast<DWORD>(list.buffer_.size() * sizeof(DWORD));
    if (!InitializeAcl(list.get(), bytes, ACL_REVISION)) return fail(last_error(doing));
    for (int i = 0; i < security.dacl_size(); ++i) {
      const auto& ace = security.dacl(i);
      PSID sid = sids[static_cast<std::size_t>(i)].get();
      if (!security.dacl_protected() && (ace.flags() & k_inherited) != 0) continue;
      const auto add = ace.type() == v1::Ace::TYPE_DENY ? &AddAccessDeniedAceEx : &AddAccessAllowedAceEx;
      if (!add(list.get(), ACL_REVISION, ace.flags() & ~k_inherited, ace.mask(), sid)) return fail(last_error(doing));
    }
    return list;
  }

  ACL* get() { return reinterpret_cast<ACL*>(buffer_.data()); }

 private:
  std::vector<DWORD> buffer_;
};

Result<v1::FileSecurity> read(HANDLE object, SE_OBJECT_TYPE type, std::string_view doing) {
  UniqueHandle<LocalTraits<PSECURITY_DESCRIPTOR>> descriptor;
  PSID owner = nullptr;
  PACL dacl = nullptr;
  const auto status = GetSecurityInfo(object, type, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner,
                                      nullptr, &dacl, nullptr, descriptor.out());
  if (status != ERROR_SUCCESS) return fail(win32_error(doing, status));
  v1::FileSecurity security;
  SECURITY_DESCRIPTOR_CONTROL control = 0;
  DWORD revision = 0;
  if (!GetSecurityDescriptorControl(descriptor.get(), &control, &revision)) return fail(last_error(doing));
  security.set_dacl_protected((control & SE_DACL_PROTECTED) != 0);
  security.set_dacl_absent(dacl == nullptr);
  const auto sid = to_text(owner, doing);
  if (!sid) return fail(sid.error());
  security.set_owner_sid(*sid);
  if (dacl == nullptr) return security;
  if (auto added = add_entries(dacl, security, doing); !added) return fail(std::move(added).error());
  return security;
}

}  // namespace

Result<v1::FileSecurity> read_security(HANDLE file, std::string_view doing) {
  return read(file, SE_FILE_OBJECT, doing);
}

Result<v1::FileSecurity> read_security(HKEY key, std::string_view doing) {
  return read(key, SE_REGISTRY_KEY, doing);
}

// SetSecurityInfo, not SetKernelObjectSecurity, which is not for files; and by handle, so that no name is resolved
// again. It propagates to the children of a container only, and this is a file.
// https://learn.microsoft.com/windows/win32/api/securitybaseapi/nf-securitybaseapi-setkernelobjectsecurity
// https://learn.microsoft.com/windows/win32/api/aclapi/nf-aclapi-setsecurityinfo
Status write_dacl(HANDLE file, const v1::FileSecurity& security, std::string_view doing) {
  auto list = OwnEntries::build(security, doing);
  if (!list) return fail(std::move(list).error());
  const SECURITY_INFORMATION what =
      DACL_SECURITY_INFORMATION | (security.dacl_protected() ? DWORD{PROTECTED_DACL_SECURITY_INFORMATION}
                                                             : DWORD{UNPROTECTED_DACL_SECURITY_INFORMATION});
  const auto status = SetSecurityInfo(file, SE_FILE_OBJECT, what, nullptr, nullptr,
                                      security.dacl_absent() ? nullptr : list->get(), nullptr);
  if (status != ERROR_SUCCESS) return fail(win32_error(doing, status));
  return {};
}

}  // namespace rdpmend::win32
