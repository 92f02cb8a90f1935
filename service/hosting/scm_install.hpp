// Installs and removes the Windows service with everything around it. README.md argues the settings. Windows only.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent-lib/support/result.hpp"

namespace rdpmend {

struct InstallOptions {
  std::optional<std::filesystem::path> state;  // Absent: where an installed service has it, else the default folder.
  std::optional<std::string> listen;           // Absent: as the configuration file says.
};

struct Installed {
  bool updated = false;  // It was there before.
  std::filesystem::path state;
  std::string listen;
  std::filesystem::path admin_profile;
  std::vector<std::string> warnings;  // Settings that this Windows does not know.
};
// State folder, configuration, keys, event source and service; what is there already is kept or brought up to date.
Result<Installed> install_service(const InstallOptions& options);

struct Uninstalled {
  bool was_installed = false;
  std::vector<std::string> warnings;
};
// Stops the service, within a limit, and removes it and its event source. The state folder stays.
Result<Uninstalled> uninstall_service();

}  // namespace rdpmend
