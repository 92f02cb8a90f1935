// Which role each RPC needs. Default deny: a method without a row is refused, and a test fails.
#pragma once

#include <optional>
#include <string_view>

#include "rdpmend/v1/trust.pb.h"

namespace rdpmend {

// `path` is HTTP/2's: "/rdpmend.v1.Agent/Repair". nullopt: nobody may call it.
std::optional<v1::Role> required_role(std::string_view path);

// "viewer", "operator", "admin"; "none" for anything else.
std::string_view to_word(v1::Role role);

}  // namespace rdpmend
