// What the simulated host does by itself, and what follows from what is done to it. Each part in its own file.
// The caller is inside sim_machine.
#pragma once

#include <string>
#include <string_view>

#include "agent-lib/sim/decisions.hpp"
#include "agent-lib/sim/world.hpp"
#include "rdpmend/v1/scenario.pb.h"

namespace rdpmend::sim {

// --- session_env.cpp: the certificate manager ---
// From now on a pass after `first`, then every 12 hours, as long as this run of SessionEnv lasts.
void schedule_renewal_passes(World& world, Duration first);
// If a certificate is needed: makes one, a moment later, or logs why it cannot.
void renewal_pass(World& world);
// Whether Windows can make a machine key for SYSTEM at all.
bool can_make_key(const World& world);
// True if the next pass would have to make a certificate and could not.
bool renewal_is_failing(const World& world);
// What TermService signals when it has no usable credential: a pass now, if SessionEnv runs; at most one a minute.
void request_certificate(World& world);

// --- term_service.cpp: the listener ---
CredentialState credential_state(const World& world);
// Opens or closes the listener as services and registry say.
void follow_listener(World& world);
void load_credential(World& world);
// The same listener on another port, with the stock firewall rules for it.
void move_listener(World& world, std::uint16_t port);
// What must have happened in the three days before the rehearsal, given how the host now is.
void settle_history(World& world);
struct Client {
  std::string address;
  std::uint16_t port = 0;
};
bool reachable(const World& world, Vantage from);
SimHost::ListenerView answer(World& world, Vantage from, const Client& client);
// Somebody out there connects; true: gets a TLS session.
bool client_connects(World& world);
void disconnect_sessions(World& world);

// --- firewall_rules.cpp ---
// By every interface by which clients come in.
bool firewall_lets_in(const World& world, std::uint16_t tcp_port);
FirewallRule* find_rule(World& world, std::string_view id, bool by_policy);
// Logs that a rule is as it is now.
void log_rule_change(World& world, const FirewallRule& rule, std::string_view by_application);

// --- service_control.cpp: the Service Control Manager ---
Status start_service(World& world, std::string_view name);
// timeout: the service hangs, and stays stop_pending.
Status stop_service(World& world, std::string_view name);
std::vector<std::string> running_dependents(const World& world, std::string_view name);
void set_start_type(World& world, SimService& service, v1::ServiceStartType type);

// --- apply_change.cpp ---
void apply_change(World& world, const v1::SimChange& change);

// --- fingerprint.cpp ---
std::string fingerprint(const World& world);

// --- sim_probe.cpp: what probe_rdp would report, without sockets ---
v1::ProbeReport probe_in_memory(World& world, Vantage from, Duration deadline);

}  // namespace rdpmend::sim
