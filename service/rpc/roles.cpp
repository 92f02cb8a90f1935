#include "service/rpc/roles.hpp"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <string>

#include "rdpmend/v1/agent.pb.h"
#include "rdpmend/v1/roles.pb.h"

namespace rdpmend {

namespace {

using ByPath = std::map<std::string, v1::Role, std::less<>>;

template <class Options, class Extension>
std::optional<v1::Role> role_in(const Options& options, const Extension& extension) {
  const auto role = options.GetExtension(extension);
  if (role == v1::ROLE_UNSPECIFIED) return std::nullopt;
  return role;
}

ByPath roles_of_methods() {
  ByPath roles{
      // https://github.com/grpc/grpc/blob/master/doc/health-checking.md
      {"/grpc.health.v1.Health/Check", v1::ROLE_VIEWER},
      {"/grpc.health.v1.Health/Watch", v1::ROLE_VIEWER},
  };
  const auto* service = v1::ActRequest::descriptor()->file()->FindServiceByName("Agent");
  for (int i = 0; i < service->method_count(); ++i) {
    const auto& method = *service->method(i);
    if (const auto role = role_in(method.options(), v1::role))
      roles.emplace(fmt::format("/{}/{}", service->full_name(), method.name()), *role);
  }
  return roles;
}

}  // namespace

std::optional<v1::Role> required_role(std::string_view path) {
  static const ByPath roles = roles_of_methods();
  const auto found = roles.find(path);
  if (found == roles.end()) return std::nullopt;
  return found->second;
}

std::optional<v1::Role> required_role(const google::protobuf::FieldDescriptor& verb) {
  return role_in(verb.options(), v1::verb_role);
}

Status check_role(const Identity& caller, std::string_view call, std::optional<v1::Role> needed) {
  if (!needed) return fail(ErrorCode::denied, fmt::format("nobody may call {}", call));
  if (caller.role >= *needed) return {};
  return fail(ErrorCode::denied,
              fmt::format("{} needs the role {}, and {} is {}", call.substr(call.rfind('/') + 1), to_word(*needed),
                          caller.name, to_word(caller.role)),
              "Use a certificate with that role, or ask an administrator of this host.");
}

std::string_view to_word(v1::Role role) {
  switch (role) {
    case v1::ROLE_VIEWER: return "viewer";
    case v1::ROLE_OPERATOR: return "operator";
    case v1::ROLE_ADMIN: return "admin";
    default: return "none";
  }
}

}  // namespace rdpmend
