// Private key files and their access lists.
#include <fmt/format.h>

#include "agent-lib/sim/sim_ports.hpp"

namespace rdpmend::sim {

namespace {

SimKeyFile* find_key_file(World& world, std::string_view folder, std::string_view file) {
  for (auto& [name, found] : world.key_files) {
    if (lower(name.first) == lower(folder) && lower(name.second) == lower(file)) return &found;
  }
  return nullptr;
}

}  // namespace

Result<std::optional<KeyFile>> KeyFilesPort::find(std::string_view folder, std::string_view file) const {
  return machine_.locked([&](World& world) -> std::optional<KeyFile> {
    const auto* found = find_key_file(world, folder, file);
    if (!found) return std::nullopt;
    return KeyFile{.security = found->security, .size = found->key.private_der.size()};
  });
}

Status KeyFilesPort::write_dacl(std::string_view folder, std::string_view file, const v1::FileSecurity& security) {
  const auto call = [&] {
    return machine_.locked([&](World& world) -> Status {
      auto* found = find_key_file(world, folder, file);
      if (!found) {
        return fail(
            {ErrorCode::not_found, fmt::format("there is no key file {}\\{}", folder, file), {}, OsError{"win32", 2}});
      }
      *found->security.mutable_dacl() = security.dacl();
      found->security.set_dacl_protected(security.dacl_protected());
      found->security.set_dacl_absent(security.dacl_absent());
      return {};
    });
  };
  // Somebody else takes ownership and lets backup operators read the key.
  const auto outside_edit = [&] {
    machine_.locked([&](World& world) {
      if (auto* found = find_key_file(world, folder, file)) {
        found->security.set_owner_sid(std::string(sid::k_administrators));
        *found->security.add_dacl() = allow("S-1-5-32-551", k_file_generic_read);
      }
    });
  };
  return machine_.injector().run(fmt::format("key_files.write_dacl({})", file), call, outside_edit);
}

}  // namespace rdpmend::sim
