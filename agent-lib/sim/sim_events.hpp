// The events that the simulated host writes, each in the layout of a real one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent-lib/host/firewall.hpp"
#include "agent-lib/support/time.hpp"
#include "rdpmend/v1/plan.pb.h"
#include "rdpmend/v1/scenario.pb.h"

namespace rdpmend::sim {

inline constexpr std::string_view k_system_channel = "System";
inline constexpr std::string_view k_rcm_operational =
    "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational";
inline constexpr std::string_view k_rcm_admin = "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Admin";
inline constexpr std::string_view k_rdp_core_operational =
    "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational";
inline constexpr std::string_view k_session_manager_operational =
    "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational";
inline constexpr std::string_view k_firewall_channel =
    "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall";
inline constexpr std::string_view k_channels[] = {"Application",
                                                  "Security",
                                                  k_system_channel,
                                                  k_rcm_operational,
                                                  k_rcm_admin,
                                                  k_rdp_core_operational,
                                                  k_session_manager_operational,
                                                  k_firewall_channel};

struct EventProvider {
  std::string_view name;
  std::string_view guid;
  std::string_view event_source = {};  // Classic events only.
};

struct SimEvent {
  EventProvider provider;
  std::string_view channel;
  std::uint32_t id = 0;
  std::optional<std::uint32_t> qualifiers = {};  // Classic events only.
  std::uint32_t level = 4;
  std::uint32_t task = 0;
  std::uint32_t opcode = 0;
  std::string_view keywords = "0x8000000000000000";
  std::string_view user_sid = {};
  std::string activity_id = {};
  std::uint32_t process_id = 0;
  std::string body;  // EventData or UserData element.
};

std::string render(const SimEvent& event, std::uint64_t record_id, WallTime time, std::string_view computer);

namespace events {

// SessionEnv's, in System: classic, with unnamed data.
SimEvent certificate_expires_soon(std::string_view subject, std::int64_t days, std::string_view sha1);  // 1052
SimEvent certificate_created(std::string_view subject, std::string_view sha1);                          // 1056
SimEvent certificate_not_created(std::string_view status);                                              // 1057
SimEvent certificate_not_replaced(std::string_view status);                                             // 1058

// Schannel 36870: the private key of a server credential cannot be used.
SimEvent server_key_unusable(std::uint32_t process_id);

// One client's way in.
struct Connection {
  std::string client_address;
  std::uint16_t client_port = 0;
  std::string activity_id;
  std::uint32_t process_id = 0;  // TermService.
};
SimEvent listener_received(const Connection& connection);       // RemoteConnectionManager 261
SimEvent connection_accepted(const Connection& connection);     // RdpCoreTS 131
SimEvent connection_established(const Connection& connection);  // RdpCoreTS 98
SimEvent security_layer_failed(const Connection& connection, std::string_view result_code);  // RdpCoreTS 139
SimEvent connection_ended(const Connection& connection);                                     // RdpCoreTS 102

SimEvent listener_started(std::uint32_t process_id);  // RemoteConnectionManager 258
SimEvent listener_stopped(std::uint32_t process_id);  // RemoteConnectionManager 259
SimEvent session_disconnected(std::uint32_t session_id, std::string_view user,
                              std::string_view address);  // LocalSessionManager 24

// Service Control Manager's.
SimEvent service_entered_state(std::string_view name, std::string_view display_name, bool running);  // 7036
SimEvent service_start_failed(std::string_view display_name, std::uint32_t win32);                   // 7000
SimEvent service_start_type_changed(std::string_view name, std::string_view display_name, v1::ServiceStartType from,
                                    v1::ServiceStartType to);  // 7040

enum class RuleChange { added = 2004, changed = 2005, deleted = 2006 };
SimEvent firewall_rule(RuleChange change, const FirewallRule& rule, std::string_view by_application);

SimEvent clock_changed(WallTime from, WallTime to);  // Kernel-General 1

// One that a scenario tells of. Not to outlive it.
SimEvent told(const v1::SimEvent& event);

}  // namespace events

}  // namespace rdpmend::sim
