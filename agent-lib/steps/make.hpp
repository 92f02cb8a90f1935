// Steps as a fault asks for them; finish_plan adds the rest.
#pragma once

#include <string_view>
#include <vector>

#include "rdpmend/v1/plan.pb.h"

namespace rdpmend {

v1::Step grant_key_file_access(std::string_view folder, std::string_view file, const std::vector<v1::Ace>& missing);
v1::Step keep_key_file(std::string_view folder, std::string_view file, std::string_view store, std::string_view sha1);
v1::Step remove_certificate(std::string_view store, std::string_view sha1);
v1::Step set_service_start_type(std::string_view service, v1::ServiceStartType type);
v1::Step restart_service(std::string_view service);
v1::Step enable_firewall_rule(std::string_view rule_id);

}  // namespace rdpmend
