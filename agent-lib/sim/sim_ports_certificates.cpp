// The LocalMachine certificate stores.
#include <fmt/format.h>

#include "agent-lib/sim/consequences.hpp"
#include "agent-lib/sim/sim_ports.hpp"

namespace rdpmend::sim {

namespace {

// The store, const where the world is.
template <class SomeWorld>
auto open_store(SomeWorld& world, std::string_view name) -> Result<decltype(&world.stores.begin()->second)> {
  for (auto& [existing, store] : world.stores) {
    if (lower(existing) == lower(name)) return &store;
  }
  return fail({ErrorCode::not_found, fmt::format("there is no certificate store {}", name), {}, OsError{"win32", 2}});
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

Error no_such_certificate(std::string_view store, std::string_view sha1) {
  return {ErrorCode::not_found,
          fmt::format("there is no certificate {} in store {}", sha1, store),
          {},
          OsError{"hresult", 0x80092004}};
}

KeyUse use_key(const World& world, const SimStoreEntry& entry) {
  if (entry.certificate.key_container.empty()) return KeyUse::missing;
  const auto name = machine_key_file_name(entry.certificate.key_container, k_machine_guid);
  const auto file = world.key_files.find({std::string(k_machine_keys_folder), name});
  if (file == world.key_files.end()) return KeyUse::missing;
  if (!has_access(file->second.security, sid::k_system, k_file_generic_read)) return KeyUse::denied;
  if (file->second.key.private_der.empty()) return KeyUse::corrupt;
  return file->second.key.public_der == entry.public_der ? KeyUse::usable : KeyUse::mismatch;
}

// Somebody else puts another certificate, without a key, into the store.
void add_other_certificate(World& world, std::string_view store_name) {
  const auto store = open_store(world, store_name);
  if (!store) return;
  const auto der = make_self_signed(make_key_pair(false), {.common_name = "somebody-elses." + world.full_name,
                                                           .not_before = world.now(),
                                                           .not_after = world.now() + std::chrono::days{365},
                                                           .serial = world.random() >> 1});
  const auto certificate = read_certificate(der).value();
  (*store)->emplace(certificate.sha1, SimStoreEntry{certificate, public_key_of(der)});
}

}  // namespace

Result<std::optional<Certificate>> CertificateStoresPort::find(std::string_view store, std::string_view sha1) const {
  return machine_.look([&](const World& world) -> Result<std::optional<Certificate>> {
    const auto opened = open_store(world, store);
    if (!opened) return fail(opened.error());
    const auto found = (*opened)->find(upper(sha1));
    if (found == (*opened)->end()) return std::nullopt;
    return found->second.certificate;
  });
}

Result<std::vector<Certificate>> CertificateStoresPort::list(std::string_view store) const {
  return machine_.look([&](const World& world) -> Result<std::vector<Certificate>> {
    const auto opened = open_store(world, store);
    if (!opened) return fail(opened.error());
    std::vector<Certificate> all;
    for (const auto& [sha1, entry] : **opened) all.push_back(entry.certificate);
    return all;
  });
}

Result<KeyUse> CertificateStoresPort::key_use(std::string_view store, std::string_view sha1) const {
  return machine_.look([&](const World& world) -> Result<KeyUse> {
    const auto opened = open_store(world, store);
    if (!opened) return fail(opened.error());
    const auto found = (*opened)->find(upper(sha1));
    if (found == (*opened)->end()) return fail(no_such_certificate(store, sha1));
    return use_key(world, found->second);
  });
}

Status CertificateStoresPort::try_key() {
  const auto call = [&] {
    return machine_.look([](const World& world) -> Status {
      if (can_make_key(world)) return {};
      return fail({ErrorCode::denied, "no machine key can be made", {}, OsError{"hresult", 0x80090010}});
    });
  };
  return machine_.injector().run("certificates.try_key()", call, [] {});
}

Status CertificateStoresPort::remove(std::string_view store, std::string_view sha1) {
  const auto call = [&] {
    return machine_.locked([&](World& world) -> Status {
      const auto opened = open_store(world, store);
      if (!opened) return fail(opened.error());
      if ((*opened)->erase(upper(sha1)) == 0) return fail(no_such_certificate(store, sha1));
      return {};
    });
  };
  return machine_.injector().run(fmt::format("certificates.remove({}, {})", store, sha1), call,
                                 [&] { machine_.locked([&](World& world) { add_other_certificate(world, store); }); });
}

Status CertificateStoresPort::add(std::string_view store, const v1::CertificateCopy& copy) {
  const auto call = [&] {
    return machine_.locked([&](World& world) -> Status {
      const auto opened = open_store(world, store);
      if (!opened) return fail(opened.error());
      auto certificate = read_certificate(copy.der());
      if (!certificate) return fail(std::move(certificate).error().context("cannot add the certificate"));
      certificate->key_container = copy.key_container();
      certificate->key_provider = copy.key_provider();
      const auto sha1 = certificate->sha1;
      if (!(*opened)->emplace(sha1, SimStoreEntry{std::move(*certificate), public_key_of(copy.der())}).second) {
        return fail({ErrorCode::already_exists,
                     fmt::format("certificate {} is already in store {}", sha1, store),
                     {},
                     OsError{"hresult", 0x80092005}});
      }
      return {};
    });
  };
  return machine_.injector().run(fmt::format("certificates.add({})", store), call,
                                 [&] { machine_.locked([&](World& world) { add_other_certificate(world, store); }); });
}

}  // namespace rdpmend::sim
