#include "agent-lib/knowledge/stock_host.hpp"

#include <string>

#include "agent-lib/host/key_files.hpp"

namespace rdpmend {

namespace {

constexpr std::uint32_t k_first_build_with_session_env_entry = 17763;

void add_allow(v1::FileSecurity& security, std::string_view who, std::uint32_t mask) {
  auto& ace = *security.add_dacl();
  ace.set_type(v1::Ace::TYPE_ALLOW);
  ace.set_sid(std::string(who));
  ace.set_mask(mask);
}

v1::FileSecurity owned_by_system() {
  v1::FileSecurity security;
  security.set_owner_sid(std::string(sid::k_system));
  security.set_dacl_protected(true);
  return security;
}

}  // namespace

v1::FileSecurity stock_key_file_security(std::uint32_t build) {
  auto security = owned_by_system();
  add_allow(security, sid::k_system, k_file_all_access);
  add_allow(security, sid::k_network_service, k_file_generic_read);
  if (build >= k_first_build_with_session_env_entry) {
    add_allow(security, sid::k_session_env, k_file_all_access);
  } else {
    add_allow(security, sid::k_administrators, k_file_generic_read);
  }
  return security;
}

v1::FileSecurity stock_machine_keys_folder_security() {
  constexpr std::uint32_t k_read_and_write = 0x0012019F;
  auto security = owned_by_system();
  add_allow(security, sid::k_everyone, k_read_and_write);
  add_allow(security, sid::k_administrators, k_file_all_access);
  return security;
}

}  // namespace rdpmend
