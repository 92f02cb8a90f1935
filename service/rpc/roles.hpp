// Which role each call needs: what agent.proto says beside it. Default deny: a call without a role is refused.
#pragma once

#include <google/protobuf/descriptor.h>

#include <optional>
#include <string_view>

#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/trust.pb.h"
#include "service/pki/trust_store.hpp"

namespace rdpmend {

// `path` is HTTP/2's: "/rdpmend.v1.Agent/Act". nullopt: nobody may call it.
std::optional<v1::Role> required_role(std::string_view path);
// Of a command, a field of ActRequest.verb. nullopt: nobody may give it.
std::optional<v1::Role> required_role(const google::protobuf::FieldDescriptor& verb);

// Whether the caller may; denied says why not. `call` is a path or a command, for people.
Status check_role(const Identity& caller, std::string_view call, std::optional<v1::Role> needed);

// "viewer", "operator", "admin"; "none" for anything else.
std::string_view to_word(v1::Role role);

}  // namespace rdpmend
