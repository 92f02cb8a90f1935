#include "agent-lib/sim/world.hpp"

#include "agent-lib/knowledge/stock_host.hpp"
#include "agent-lib/support/hex.hpp"

namespace rdpmend::sim {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

const RegistryValue* find_value(const World& world, std::string_view key, std::string_view name) {
  const auto found = world.registry.find({lower(key), lower(name)});
  return found == world.registry.end() ? nullptr : &found->second.value;
}

void set_value(World& world, std::string_view key, std::string_view name, RegistryValue value) {
  auto& entry = world.registry[{lower(key), lower(name)}];
  if (entry.key.empty()) entry = {std::string(key), std::string(name), {}};
  entry.value = std::move(value);
}

void erase_value(World& world, std::string_view key, std::string_view name) {
  world.registry.erase({lower(key), lower(name)});
}

std::optional<std::uint32_t> dword_value(const World& world, std::string_view key, std::string_view name) {
  const auto* value = find_value(world, key, name);
  const auto* number = value ? std::get_if<std::uint32_t>(value) : nullptr;
  return number ? std::optional(*number) : std::nullopt;
}

SimService* find_service(World& world, std::string_view name) {
  const auto found = world.services.find(lower(name));
  return found == world.services.end() ? nullptr : &found->second;
}

const SimService* find_service(const World& world, std::string_view name) {
  const auto found = world.services.find(lower(name));
  return found == world.services.end() ? nullptr : &found->second;
}

bool is_running(const World& world, std::string_view name) {
  const auto* service = find_service(world, name);
  return service && service->run == ServiceRun::running;
}

FolderAndFile listener_key_file() {
  return {std::string(k_machine_keys_folder), machine_key_file_name(k_key_container, k_machine_guid)};
}

v1::Ace allow(std::string_view sid, std::uint32_t mask) {
  v1::Ace ace;
  ace.set_type(v1::Ace::TYPE_ALLOW);
  ace.set_sid(std::string(sid));
  ace.set_mask(mask);
  return ace;
}

Certificate install_certificate(World& world, WallTime not_before, WallTime not_after) {
  auto& file = world.key_files[listener_key_file()];
  file = {stock_key_file_security(world.build), make_key_pair(world.options.real_keys), ++world.last_key_generation};
  const auto der = make_self_signed(file.key, {.common_name = world.full_name,
                                               .not_before = not_before,
                                               .not_after = not_after,
                                               .serial = world.random() >> 1});
  auto certificate = read_certificate(der).value();
  certificate.key_container = k_key_container;
  certificate.key_provider = k_key_provider;
  world.stores[std::string(k_remote_desktop_store)][certificate.sha1] = {certificate, file.key.public_der};
  const auto hash = from_hex(certificate.sha1).value();
  set_value(world, registry_key::k_win_stations, "SelfSignedCertificate", RegistryBinary(hash.begin(), hash.end()));
  return certificate;
}

std::string registered_certificate(const World& world) {
  const auto* value = find_value(world, registry_key::k_win_stations, "SelfSignedCertificate");
  const auto* hash = value ? std::get_if<RegistryBinary>(value) : nullptr;
  return hash && hash->size() == 20 ? to_hex(*hash) : std::string();
}

const SimStoreEntry* listener_certificate(const World& world) {
  const auto* value = find_value(world, registry_key::k_win_stations, "SelfSignedCertStore");
  const auto* store_name = value ? std::get_if<std::string>(value) : nullptr;
  if (!store_name) return nullptr;
  const auto store = world.stores.find(*store_name);
  if (store == world.stores.end()) return nullptr;
  const auto found = store->second.find(registered_certificate(world));
  return found == store->second.end() ? nullptr : &found->second;
}

}  // namespace rdpmend::sim
