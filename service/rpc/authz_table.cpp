#include "service/rpc/authz_table.hpp"

#include <algorithm>
#include <array>

namespace rdpmend {

namespace {

struct Row {
  std::string_view path;
  v1::Role role;
};

constexpr std::array k_table{
    Row{"/rdpmend.v1.Agent/GetStatus", v1::ROLE_VIEWER},
    Row{"/rdpmend.v1.Agent/Diagnose", v1::ROLE_VIEWER},
    Row{"/rdpmend.v1.Agent/SelfTest", v1::ROLE_VIEWER},
    Row{"/rdpmend.v1.Agent/ListFaults", v1::ROLE_VIEWER},
    Row{"/rdpmend.v1.Agent/ListIncidents", v1::ROLE_VIEWER},
    Row{"/rdpmend.v1.Agent/GetIncident", v1::ROLE_VIEWER},
    Row{"/rdpmend.v1.Agent/PlanRepair", v1::ROLE_VIEWER},
    Row{"/rdpmend.v1.Agent/Repair", v1::ROLE_OPERATOR},
    Row{"/rdpmend.v1.Agent/Approve", v1::ROLE_ADMIN},
    Row{"/rdpmend.v1.Agent/Rollback", v1::ROLE_ADMIN},
    Row{"/rdpmend.v1.Agent/Dismiss", v1::ROLE_OPERATOR},
    Row{"/rdpmend.v1.Agent/ReportProbe", v1::ROLE_OPERATOR},
    Row{"/rdpmend.v1.Agent/Watch", v1::ROLE_VIEWER},
    Row{"/rdpmend.v1.Agent/ReadJournal", v1::ROLE_VIEWER},
    // https://github.com/grpc/grpc/blob/master/doc/health-checking.md
    Row{"/grpc.health.v1.Health/Check", v1::ROLE_VIEWER},
    Row{"/grpc.health.v1.Health/Watch", v1::ROLE_VIEWER},
};

}  // namespace

std::optional<v1::Role> required_role(std::string_view path) {
  const auto* row = std::ranges::find(k_table, path, &Row::path);
  if (row == k_table.end()) return std::nullopt;
  return row->role;
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
