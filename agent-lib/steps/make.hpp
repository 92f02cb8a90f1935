// One line a step, for plans: what is to be done, without number, reason and words, which the plan adds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/host/registry.hpp"
#include "rdpmend/v1/plan.pb.h"

namespace rdpmend {

v1::Step enable_firewall_rule(std::string_view rule_id);
// folder and file: below %ProgramData%\Microsoft\Crypto.
v1::Step grant_key_file_access(std::string_view folder, std::string_view file, const std::vector<v1::Ace>& missing);
v1::Step keep_key_file(std::string_view folder, std::string_view file, std::string_view store, std::string_view sha1);
v1::Step move_key_file_aside(std::string_view folder, std::string_view file);
v1::Step remove_certificate(std::string_view store, std::string_view sha1);
// Starts the service if it does not run; the plan then says so, and that nobody is disconnected by it.
v1::Step restart_service(std::string_view service);
v1::Step set_start_type(std::string_view service, v1::ServiceStartType type);

v1::Step set_setting(v1::Setting setting, std::uint32_t number);
v1::Step set_setting(v1::Setting setting, std::string_view text);
v1::Step set_setting(v1::Setting setting, const RegistryBinary& bytes);
v1::Step delete_setting(v1::Setting setting);

}  // namespace rdpmend
