// TermService: the listener, the credential that it serves, and the sessions that end with it. What it decides stands
// in decisions.hpp.
#include <fmt/format.h>

#include "agent-lib/sim/consequences.hpp"

namespace rdpmend::sim {

namespace {

const SimKeyFile* key_file_of(const World& world, const SimStoreEntry& entry) {
  const auto name = machine_key_file_name(entry.certificate.key_container, k_machine_guid);
  const auto file = world.key_files.find({std::string(k_machine_keys_folder), name});
  return file == world.key_files.end() ? nullptr : &file->second;
}

bool listens_by_settings(const World& world) {
  return wants_to_listen(dword_value(world, registry_key::k_terminal_server, "fDenyTSConnections"),
                         dword_value(world, registry_key::k_rdp_tcp, "fEnableWinStation"));
}

std::optional<SimHost::Credential> credential(const World& world) {
  if (world.loaded) return world.loaded;
  if (credential_state(world) != CredentialState::usable) return std::nullopt;
  const auto& entry = *listener_certificate(world);
  return SimHost::Credential{entry.certificate.der, key_file_of(world, entry)->key.private_der};
}

std::string new_activity_id(World& world) {
  const auto high = world.random(), low = world.random();
  return fmt::format("{{F420{:04X}-{:04X}-{:04X}-{:04X}-{:012X}}}", high & 0xFFFF, (high >> 16) & 0xFFFF,
                     (high >> 32) & 0xFFFF, (high >> 48) & 0xFFFF, low & 0xFFFFFFFFFFFF);
}

void log_drop(World& world, const events::Connection& connection) {
  const auto why = credential_state(world);
  if (schannel_complains(why) && is_due(world.last_schannel_error, world.moment, k_between_schannel_errors)) {
    world.last_schannel_error = world.moment;
    world.log.append(events::server_key_unusable(692), world.now(), world.full_name);
  }
  world.log.append(events::security_layer_failed(connection, drop_code(why)), world.now(), world.full_name);
  world.log.append(events::connection_ended(connection), world.now(), world.full_name);
}

}  // namespace

CredentialState credential_state(const World& world) {
  CredentialFacts facts;
  const auto* entry = listener_certificate(world);
  // A binding that leads nowhere leaves the listener without a certificate (measured.md C9); none of this host's is
  // bound.
  const bool bound = find_value(world, registry_key::k_rdp_tcp, "SSLCertificateSHA1Hash") != nullptr;
  facts.certificate_there = entry != nullptr && !bound;
  const auto* file = entry ? key_file_of(world, *entry) : nullptr;
  facts.key_readable = file && has_access(file->security, sid::k_network_service, k_file_generic_read);
  facts.key_matches = file && file->key.public_der == entry->public_der;
  return credential_state(facts);
}

void follow_listener(World& world) {
  const bool wanted = is_running(world, service_name::k_term_service) && listens_by_settings(world);
  if (wanted == (world.listening_on != 0)) return;
  const auto pid = find_service(world, service_name::k_term_service)->pid;
  if (!wanted) {
    world.listening_on = 0;
    world.log.append(events::listener_stopped(pid), world.now(), world.full_name);
    return;
  }
  // The port is read when the listener starts; a change needs a restart.
  const auto port = dword_value(world, registry_key::k_rdp_tcp, "PortNumber").value_or(3389);
  world.listening_on = static_cast<std::uint16_t>(port);
  world.log.append(events::listener_started(pid), world.now(), world.full_name);
}

void load_credential(World& world) {
  world.loaded.reset();
  if (!world.caches_certificate) return;
  world.loaded = credential(world);
}

void move_listener(World& world, std::uint16_t port) {
  const auto stock = std::to_string(dword_value(world, registry_key::k_rdp_tcp, "PortNumber").value_or(3389));
  set_value(world, registry_key::k_rdp_tcp, "PortNumber", std::uint32_t{port});
  for (auto& rule : world.firewall.rules) {
    if (rule.local_ports == stock) rule.local_ports = std::to_string(port);
  }
  if (world.listening_on != 0) world.listening_on = port;
}

void settle_history(World& world) {
  // Loaded when it started, whatever has become of the key since.
  const auto* entry = listener_certificate(world);
  const auto* file = entry ? key_file_of(world, *entry) : nullptr;
  if (world.caches_certificate && file)
    world.loaded = SimHost::Credential{entry->certificate.der, file->key.private_der};
  // The last pass of SessionEnv left its failure in the log.
  if (is_running(world, service_name::k_session_env) && renewal_is_failing(world)) renewal_pass(world);
}

bool reachable(const World& world, Vantage from) {
  if (world.listening_on == 0) return false;
  return from != Vantage::outside || firewall_lets_in(world, world.listening_on);
}

SimHost::ListenerView answer(World& world, Vantage from, const Client& client) {
  if (!reachable(world, from)) return {};
  SimHost::ListenerView view;
  view.nla_required = dword_value(world, registry_key::k_rdp_tcp, "UserAuthentication").value_or(1) != 0;
  view.tls_allowed = dword_value(world, registry_key::k_rdp_tcp, "SecurityLayer").value_or(2) != 0;
  const events::Connection connection{.client_address = client.address,
                                      .client_port = client.port,
                                      .activity_id = new_activity_id(world),
                                      .process_id = find_service(world, service_name::k_term_service)->pid};
  world.log.append(events::listener_received(connection), world.now(), world.full_name);
  world.log.append(events::connection_accepted(connection), world.now(), world.full_name);
  if (auto usable = credential(world)) {
    world.log.append(events::connection_established(connection), world.now(), world.full_name);
    if (world.caches_certificate && !world.loaded) world.loaded = usable;
    view.answer = SimHost::Answer::serve;
    view.credential = std::move(*usable);
    return view;
  }
  view.answer = SimHost::Answer::close_without_confirm;
  log_drop(world, connection);
  request_certificate(world);
  return view;
}

bool client_connects(World& world) {
  const auto port = static_cast<std::uint16_t>(49152 + ++world.last_connection % 16384);
  return answer(world, Vantage::outside, {"203.0.113.7", port}).answer == SimHost::Answer::serve;
}

void disconnect_sessions(World& world) {
  for (auto& session : world.sessions) {
    if (!session.remote || !session.active) continue;
    session.active = false;
    world.log.append(events::session_disconnected(
                         session.id, fmt::format("{}\\user{}", world.identity.name, session.id), "203.0.113.7"),
                     world.now(), world.full_name);
  }
}

}  // namespace rdpmend::sim
