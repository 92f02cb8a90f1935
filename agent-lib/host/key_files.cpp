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
struct Masks {
  std::uint32_t granted = 0;
  std::uint32_t denied = 0;
};

Masks evaluate(const v1::FileSecurity& security, std::string_view sid) {
  Masks masks;
  if (security.dacl_absent()) return {.granted = 0xFFFFFFFF, .denied = 0};
  for (const auto& ace : security.dacl()) {
    constexpr std::uint32_t k_inherit_only = 0x8;
    if (ace.sid() != sid || (ace.flags() & k_inherit_only) != 0) continue;
    const std::uint32_t undecided = ace.mask() & ~(masks.granted | masks.denied);
    (ace.type() == v1::Ace::TYPE_DENY ? masks.denied : masks.granted) |= undecided;
  }
  return masks;
}
}  // namespace

std::uint32_t granted_mask(const v1::FileSecurity& security, std::string_view sid) {
  return evaluate(security, sid).granted;
}
std::uint32_t denied_mask(const v1::FileSecurity& security, std::string_view sid) {
  return evaluate(security, sid).denied;
}

}  // namespace rdpmend
