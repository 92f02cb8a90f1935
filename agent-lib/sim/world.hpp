// The state of the simulated host, as plain data: what its ports show and its consequences change.
// Not locked: sim_machine owns one and lets one caller in at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "agent-lib/host/host.hpp"
#include "agent-lib/sim/event_log.hpp"
#include "agent-lib/sim/sim_certificates.hpp"
#include "agent-lib/sim/sim_host.hpp"

namespace rdpmend::sim {

inline constexpr std::string_view k_key_container = "TSSecKeySet1";
inline constexpr std::string_view k_key_provider = "Microsoft Enhanced Cryptographic Provider v1.0";
inline constexpr std::string_view k_machine_guid = "5b1fbd3c-8a0e-4a52-9c54-7d0f6a3b2e11";

inline constexpr std::uint32_t k_default_build = 20348;  // Windows Server 2022.

struct SimRegistryEntry {
  std::string key;  // As written, below HKEY_LOCAL_MACHINE.
  std::string name;
  RegistryValue value;
};

struct SimService {
  std::string name;
  std::string display_name;  // Localised on a real host, so nothing may match it.
  v1::ServiceStartType start_type = v1::SERVICE_START_TYPE_MANUAL;
  ServiceRun run = ServiceRun::stopped;
  std::uint32_t pid = 0;
  SteadyTime started_at{};
  std::uint64_t instance = 0;  // Rises with each start, so that what an earlier run had scheduled does not happen.
  std::vector<std::string> depends_on;
  bool refuses_to_start = false;
  bool hangs_on_stop = false;
  bool returns_by_trigger = false;  // Its start trigger undoes a stop (rdp-host.md section 5).
  std::optional<SteadyTime> triggered_at;
};

struct SimKeyFile {
  v1::FileSecurity security;
  KeyPair key;
  std::uint64_t generation = 0;  // Rises when the key is replaced.
};

struct SimStoreEntry {
  Certificate certificate;
  std::string public_der;  // Its key, to compare with a key file's.
};

using FolderAndFile = std::pair<std::string, std::string>;

struct SimFirewallState {
  FirewallStatus status;
  std::vector<FirewallRule> rules;               // Local and by policy.
  std::vector<SecurityRuleText> security_rules;  // The same.
};

// Something that the host will do by itself.
using Consequence = std::function<void(struct World&)>;

struct World {
  SimOptions options;
  std::uint32_t build = k_default_build;
  bool caches_certificate = false;
  bool failed_creation_takes_key = false;
  bool creation_fails = false;
  HostIdentity identity;
  std::string full_name;  // DNS name: subject of certificates, Computer of events.
  std::mt19937_64 random;

  // --- time ---
  WallTime base{};                            // True time at the start.
  SteadyTime moment{};                        // Since then. Only sim_machine moves it.
  Duration up_before = std::chrono::days{3};  // How long the host had been up at the start.
  Duration clock_offset{};                    // Host's clock minus true time.
  bool has_reference = true;
  std::multimap<SteadyTime, Consequence> agenda;
  WallTime now() const { return base + moment + clock_offset; }
  void later(Duration after, Consequence what) { agenda.emplace(moment + after, std::move(what)); }

  // --- durable state ---
  std::map<std::pair<std::string, std::string>, SimRegistryEntry> registry;  // By lower-case key and name.
  std::map<std::string, std::map<std::string, SimStoreEntry>> stores;        // By store and SHA-1.
  std::map<std::string, v1::FileSecurity> key_security;                      // Of registry keys, by lower-case key.
  std::map<FolderAndFile, SimKeyFile> key_files;
  std::map<std::string, SimKeyFile> kept_keys;   // In the service's private folder, by name.
  std::map<std::string, SimKeyFile> keys_aside;  // Moved there, the same.
  std::map<std::string, SimService> services;    // By lower-case name.
  SimFirewallState firewall;
  std::vector<Session> sessions;
  EventLog log;

  // --- what runs ---
  std::uint16_t listening_on = 0;             // Port of the listener; 0: it does not listen.
  std::optional<SimHost::Credential> loaded;  // What TermService loaded at its start, if it caches.
  std::optional<SteadyTime> last_schannel_error;
  std::optional<SteadyTime> last_certificate_request;
  std::uint64_t last_key_generation = 0;
  std::uint64_t certificate_passes = 0;  // Of SessionEnv's, those that made a certificate or failed to.
  std::uint32_t last_connection = 0;

  std::vector<std::string> stories;  // For sim_machine to tell when nobody is inside any more.
};

std::string lower(std::string_view text);

// Registry access by name, without case.
const RegistryValue* find_value(const World& world, std::string_view key, std::string_view name);
void set_value(World& world, std::string_view key, std::string_view name, RegistryValue value);
void erase_value(World& world, std::string_view key, std::string_view name);
std::optional<std::uint32_t> dword_value(const World& world, std::string_view key, std::string_view name);

SimService* find_service(World& world, std::string_view name);
const SimService* find_service(const World& world, std::string_view name);
bool is_running(const World& world, std::string_view name);

FolderAndFile listener_key_file();
v1::Ace allow(std::string_view sid, std::uint32_t mask);

// Makes the certificate that the listener shall use: new key with stock access, store, registry. The old one is left
// alone.
Certificate install_certificate(World& world, WallTime not_before, WallTime not_after);
// SHA-1 in WinStations\SelfSignedCertificate; empty if it is absent or not 20 bytes.
std::string registered_certificate(const World& world);
// The certificate that it names, if the store that the registry names holds it.
const SimStoreEntry* listener_certificate(const World& world);

// A healthy host as installed; stock_state.cpp.
void install_stock_state(World& world);

}  // namespace rdpmend::sim
