#include "agent-lib/host/key_files.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

namespace rdpmend {

std::string machine_key_file_name(std::string_view container, std::string_view machine_guid) {
  std::string name;
  for (const char c : container) name += (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
  name += '\0';
  std::array<unsigned char, 16> md{};
  unsigned size = 0;
  // Windows' own naming, not our choice of hash: nothing is protected by it.
  EVP_Digest(name.data(), name.size(), md.data(), &size, EVP_md5(), nullptr);
  std::string out;
  for (std::size_t i = 0; i < md.size(); i += 4) {
    out += fmt::format("{:02x}{:02x}{:02x}{:02x}", md[i + 3], md[i + 2], md[i + 1], md[i]);
  }
  return fmt::format("{}_{}", out, machine_guid);
}

namespace {
std::uint32_t union_of(const v1::FileSecurity& security, std::string_view sid, v1::Ace::Type type) {
  constexpr std::uint32_t k_inherit_only = 0x8;
  std::uint32_t mask = 0;
  for (const auto& ace : security.dacl()) {
    if (ace.type() == type && ace.sid() == sid && (ace.flags() & k_inherit_only) == 0) mask |= ace.mask();
  }
  return mask;
}
}  // namespace

std::uint32_t granted_mask(const v1::FileSecurity& security, std::string_view sid) {
  return security.dacl_absent() ? 0xFFFFFFFF : union_of(security, sid, v1::Ace::TYPE_ALLOW);
}
std::uint32_t denied_mask(const v1::FileSecurity& security, std::string_view sid) {
  return security.dacl_absent() ? 0 : union_of(security, sid, v1::Ace::TYPE_DENY);
}
bool has_access(const v1::FileSecurity& security, std::string_view sid, std::uint32_t needed) {
  return (granted_mask(security, sid) & needed) == needed && (denied_mask(security, sid) & needed) == 0;
}

}  // namespace rdpmend
