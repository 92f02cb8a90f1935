// The service on this machine, whoever its process belongs to.
#pragma once

#include <filesystem>
#include <optional>

#include "agent-lib/support/result.hpp"
#include "service/hosting/process_owner.hpp"

namespace rdpmend {

struct ServeOptions {
  std::filesystem::path state;
  std::optional<std::filesystem::path> config;  // Absent: rdpmend.textproto in the state folder, if it is there.
};

// From configuration to the last thread's end.
Status serve(const ServeOptions& options, ProcessOwner& owner);

}  // namespace rdpmend
