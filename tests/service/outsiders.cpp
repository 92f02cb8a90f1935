#include "tests/service/outsiders.hpp"

#ifdef _WIN32
#include "agent-lib/win32/os.hpp"
// After os.hpp.
#include <aclapi.h>
#include <sddl.h>
#endif

namespace rdpmend {

#ifdef _WIN32

namespace {

std::string sid_text(PSID sid) {
  char* text = nullptr;
  if (ConvertSidToStringSidA(sid, &text) == 0) return "a SID without text";
  std::string result = text;
  LocalFree(text);
  return result;
}

}  // namespace

std::vector<std::string> outsiders(const std::filesystem::path& path) {
  PSID owner = nullptr;
  PACL list = nullptr;
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  if (GetNamedSecurityInfoW(path.c_str(), SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                            &owner, nullptr, &list, nullptr, &descriptor) != ERROR_SUCCESS)
    return {"nobody knows"};
  std::vector<std::string> found;
  if (list == nullptr) found.push_back("everybody");
  for (DWORD i = 0; list != nullptr && i < list->AceCount; ++i) {
    void* entry = nullptr;
    GetAce(list, i, &entry);
    if (static_cast<ACE_HEADER*>(entry)->AceType != ACCESS_ALLOWED_ACE_TYPE) continue;
    PSID sid = &static_cast<ACCESS_ALLOWED_ACE*>(entry)->SidStart;
    const bool insider = EqualSid(sid, owner) || IsWellKnownSid(sid, WinLocalSystemSid) ||
                         IsWellKnownSid(sid, WinBuiltinAdministratorsSid);
    if (!insider) found.push_back(sid_text(sid));
  }
  LocalFree(descriptor);
  return found;
}

#else

std::vector<std::string> outsiders(const std::filesystem::path& path) {
  using std::filesystem::perms;
  const auto permissions = std::filesystem::symlink_status(path).permissions();
  std::vector<std::string> found;
  if ((permissions & perms::group_all) != perms::none) found.emplace_back("group");
  if ((permissions & perms::others_all) != perms::none) found.emplace_back("others");
  return found;
}

#endif

}  // namespace rdpmend
