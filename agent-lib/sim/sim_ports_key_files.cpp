// Private key files and their access lists.
#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/sim/sim_ports.hpp"

namespace rdpmend::sim {

namespace {

template <class SomeWorld>  // World or const World
auto find_key_file(SomeWorld& world, std::string_view folder, std::string_view file) {
  const auto found = std::ranges::find_if(world.key_files, [&](const auto& entry) {
    return lower(entry.first.first) == lower(folder) && lower(entry.first.second) == lower(file);
  });
  return found == world.key_files.end() ? nullptr : &found->second;
}

}  // namespace

Result<std::optional<KeyFile>> KeyFilesPort::find(std::string_view folder, std::string_view file) const {
  return machine_.look([&](const World& world) -> std::optional<KeyFile> {
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

Status KeyFilesPort::keep(std::string_view folder, std::string_view file, std::string_view kept) {
  const auto call = [&] {
    return machine_.locked([&](World& world) -> Status {
      const auto* found = find_key_file(world, folder, file);
      if (!found) {
        return fail(
            {ErrorCode::not_found, fmt::format("there is no key file {}\\{}", folder, file), {}, OsError{"win32", 2}});
      }
      world.kept_keys[std::string(kept)] = *found;
      return {};
    });
  };
  return machine_.injector().run(fmt::format("key_files.keep({})", file), call, [] {});
}

Status KeyFilesPort::put_back(std::string_view kept, std::string_view folder, std::string_view file) {
  const auto call = [&] {
    return machine_.locked([&](World& world) -> Status {
      const auto copy = world.kept_keys.find(std::string(kept));
      if (copy == world.kept_keys.end()) {
        return fail({ErrorCode::not_found, fmt::format("no key file is kept as {}", kept), {}, OsError{"win32", 2}});
      }
      world.key_files[{std::string(folder), std::string(file)}] = copy->second;
      return {};
    });
  };
  return machine_.injector().run(fmt::format("key_files.put_back({})", file), call, [] {});
}

Result<std::optional<KeyFile>> KeyFilesPort::find_aside(std::string_view aside) const {
  return machine_.look([&](const World& world) -> std::optional<KeyFile> {
    const auto found = world.keys_aside.find(std::string(aside));
    if (found == world.keys_aside.end()) return std::nullopt;
    return KeyFile{.security = found->second.security, .size = found->second.key.private_der.size()};
  });
}

Status KeyFilesPort::move_aside(std::string_view folder, std::string_view file, std::string_view aside) {
  const auto call = [&] {
    return machine_.locked([&](World& world) -> Status {
      const auto* found = find_key_file(world, folder, file);
      if (!found) {
        return fail(
            {ErrorCode::not_found, fmt::format("there is no key file {}\\{}", folder, file), {}, OsError{"win32", 2}});
      }
      if (!world.keys_aside.try_emplace(std::string(aside), *found).second) {
        return fail(
            {ErrorCode::already_exists, fmt::format("a file lies aside as {}", aside), {}, OsError{"win32", 183}});
      }
      std::erase_if(world.key_files, [&](const auto& entry) { return &entry.second == found; });
      return {};
    });
  };
  // Somebody else lets backup operators read the key.
  const auto outside_edit = [&] {
    machine_.locked([&](World& world) {
      if (auto* found = find_key_file(world, folder, file))
        *found->security.add_dacl() = allow("S-1-5-32-551", k_file_generic_read);
    });
  };
  return machine_.injector().run(fmt::format("key_files.move_aside({})", file), call, outside_edit);
}

Status KeyFilesPort::move_back(std::string_view aside, std::string_view folder, std::string_view file) {
  const auto call = [&] {
    return machine_.locked([&](World& world) -> Status {
      const auto moved = world.keys_aside.find(std::string(aside));
      if (moved == world.keys_aside.end()) {
        return fail(
            {ErrorCode::not_found, fmt::format("no key file lies aside as {}", aside), {}, OsError{"win32", 2}});
      }
      if (find_key_file(world, folder, file)) {
        return fail({ErrorCode::already_exists,
                     fmt::format("there is a key file {}\\{}", folder, file),
                     {},
                     OsError{"win32", 183}});
      }
      world.key_files[{std::string(folder), std::string(file)}] = moved->second;
      world.keys_aside.erase(moved);
      return {};
    });
  };
  return machine_.injector().run(fmt::format("key_files.move_back({})", file), call, [] {});
}

}  // namespace rdpmend::sim
