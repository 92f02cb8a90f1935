#include "agent-lib/sim/sim_events.hpp"

#include <fmt/format.h>

#include <initializer_list>
#include <utility>

#include "agent-lib/support/hex.hpp"

namespace rdpmend::sim {

namespace {

constexpr EventProvider k_rcm{"Microsoft-Windows-TerminalServices-RemoteConnectionManager",
                              "{C76BAA63-AE81-421C-B425-340B4B24157F}"};
constexpr EventProvider k_rcm_classic{k_rcm.name, k_rcm.guid, "TermService"};
constexpr EventProvider k_rdp_core{"Microsoft-Windows-RemoteDesktopServices-RdpCoreTS",
                                   "{1139C61B-B549-4251-8ED3-27250A1EDEC8}"};
constexpr EventProvider k_session_manager{"Microsoft-Windows-TerminalServices-LocalSessionManager",
                                          "{5D896912-022D-40AA-A3A8-4FA5515C76D7}"};
constexpr EventProvider k_schannel{"Schannel", "{1F678132-5938-4686-9FDC-C8FF68F15C85}"};
constexpr EventProvider k_scm{"Service Control Manager", "{555908d1-a6d7-4695-8e1e-26931d2012f4}",
                              "Service Control Manager"};
constexpr EventProvider k_firewall{"Microsoft-Windows-Windows Firewall With Advanced Security",
                                   "{D1BC9AFF-2ABF-4D71-9146-ECB2A986EB85}"};
constexpr EventProvider k_kernel{"Microsoft-Windows-Kernel-General", "{A68CA8B7-004F-D7B6-A698-07E2DE0F1F5D}"};

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

using Fields = std::initializer_list<std::pair<std::string_view, std::string>>;

// What else is known of a provider that a scenario names.
EventProvider provider_named(std::string_view name, bool classic) {
  for (const auto& known : {k_rcm, k_rdp_core, k_session_manager, k_schannel, k_scm, k_firewall, k_kernel}) {
    if (known.name == name) return classic && name == k_rcm.name ? k_rcm_classic : known;
  }
  return {name, {}};
}

// Named EventData; with a Binary element if there is one.
std::string named_data(Fields fields, std::string_view binary = {}) {
  std::string out = "<EventData>";
  for (const auto& [name, value] : fields) out += fmt::format("<Data Name=\"{}\">{}</Data>", name, escape(value));
  if (!binary.empty()) out += fmt::format("<Binary>{}</Binary>", binary);
  return out + "</EventData>";
}

// Unnamed EventData, as classic events have it.
std::string classic_data(std::initializer_list<std::string_view> values, std::string_view binary) {
  std::string out = "<EventData>";
  for (const auto value : values) out += fmt::format("<Data>{}</Data>", escape(value));
  return out + fmt::format("<Binary>{}</Binary></EventData>", binary);
}

std::string user_data(Fields fields) {
  std::string out = "<UserData><EventXML xmlns=\"Event_NS\">";
  for (const auto& [name, value] : fields) out += fmt::format("<{0}>{1}</{0}>", name, escape(value));
  return out + "</EventXML></UserData>";
}

std::string event_data(const v1::SimEvent& event) {
  std::string out = "<EventData>";
  for (const auto& data : event.data()) {
    const auto name = data.name().empty() ? std::string() : fmt::format(" Name=\"{}\"", escape(data.name()));
    out += fmt::format("<Data{}>{}</Data>", name, escape(data.value()));
  }
  if (!event.binary().empty()) out += fmt::format("<Binary>{}</Binary>", to_hex(event.binary()));
  return out + "</EventData>";
}

std::string user_data(const v1::SimEvent& event) {
  auto out = fmt::format("<UserData><{} xmlns=\"Event_NS\">", event.user_data());
  for (const auto& data : event.data()) out += fmt::format("<{0}>{1}</{0}>", data.name(), escape(data.value()));
  return out + fmt::format("</{}></UserData>", event.user_data());
}

// Seven fraction digits, as a FILETIME has.
std::string file_time_text(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto text = to_iso8601(seconds);
  return fmt::format("{}.{:07}Z", text.substr(0, text.find('.')), (time - seconds).count() / 100);
}

std::string utf16_hex(std::string_view ascii) {
  std::string bytes;
  for (const char c : ascii) bytes += {c, '\0'};
  bytes += {'\0', '\0'};
  return to_hex(bytes);
}

SimEvent certificate_event(std::uint32_t id, std::uint32_t level, std::string body) {
  return {.provider = k_rcm_classic,
          .channel = k_system_channel,
          .id = id,
          .qualifiers = 49152,
          .level = level,
          .keywords = "0x80000000000000",
          .body = std::move(body)};
}

SimEvent rdp_core_event(const events::Connection& connection, std::uint32_t id, std::uint32_t level,
                        std::uint32_t opcode, std::string body) {
  return {.provider = k_rdp_core,
          .channel = k_rdp_core_operational,
          .id = id,
          .level = level,
          .task = 4,
          .opcode = opcode,
          .keywords = "0x4000000000000000",
          .user_sid = "S-1-5-20",
          .activity_id = connection.activity_id,
          .process_id = connection.process_id,
          .body = std::move(body)};
}

SimEvent listener_event(std::uint32_t id, std::uint32_t process_id) {
  return {.provider = k_rcm,
          .channel = k_rcm_operational,
          .id = id,
          .keywords = "0x1000000000000000",
          .user_sid = "S-1-5-20",
          .process_id = process_id,
          .body = user_data({{"listenerName", "RDP-Tcp"}})};
}

SimEvent scm_event(std::uint32_t id, std::uint32_t level, std::uint32_t qualifiers, std::string body) {
  return {.provider = k_scm,
          .channel = k_system_channel,
          .id = id,
          .qualifiers = qualifiers,
          .level = level,
          .keywords = "0x8080000000000000",
          .process_id = 744,
          .body = std::move(body)};
}

std::string start_type_text(v1::ServiceStartType type) {
  switch (type) {
    case v1::SERVICE_START_TYPE_AUTO: return "auto start";
    case v1::SERVICE_START_TYPE_DISABLED: return "disabled";
    default: return "demand start";
  }
}

}  // namespace

std::string render(const SimEvent& event, std::uint64_t record_id, WallTime time, std::string_view computer) {
  const auto attribute = [](std::string_view name, std::string_view value) {
    return value.empty() ? std::string() : fmt::format(" {}=\"{}\"", name, escape(value));
  };
  const auto qualifiers = event.qualifiers ? fmt::format(" Qualifiers=\"{}\"", *event.qualifiers) : std::string();
  return fmt::format(
      "<Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\"><System><Provider "
      "Name=\"{}\"{}{}/>"
      "<EventID{}>{}</EventID><Version>0</Version><Level>{}</Level><Task>{}</Task><Opcode>{}</Opcode>"
      "<Keywords>{}</Keywords><TimeCreated SystemTime=\"{}\"/><EventRecordID>{}</EventRecordID><Correlation{}/>"
      "<Execution ProcessID=\"{}\" ThreadID=\"{}\"/><Channel>{}</Channel><Computer>{}</Computer><Security{}/></System>"
      "{}</Event>",
      escape(event.provider.name), attribute("Guid", event.provider.guid),
      attribute("EventSourceName", event.provider.event_source), qualifiers, event.id, event.level, event.task,
      event.opcode, event.keywords, file_time_text(time), record_id, attribute("ActivityID", event.activity_id),
      event.process_id, event.process_id == 0 ? 0 : event.process_id + 4, escape(event.channel), computer,
      attribute("UserID", event.user_sid), event.body);
}

namespace events {

SimEvent certificate_expires_soon(std::string_view subject, std::int64_t days, std::string_view sha1) {
  return certificate_event(1052, 3, classic_data({subject, std::to_string(days)}, sha1));
}
SimEvent certificate_created(std::string_view subject, std::string_view sha1) {
  return certificate_event(1056, 4, classic_data({subject}, sha1));
}
SimEvent certificate_not_created(std::string_view status) {
  return certificate_event(1057, 2, classic_data({status}, {}));
}
SimEvent certificate_not_replaced(std::string_view status) {
  return certificate_event(1058, 2, classic_data({status}, {}));
}

SimEvent server_key_unusable(std::uint32_t process_id) {
  return {.provider = k_schannel,
          .channel = k_system_channel,
          .id = 36870,
          .level = 2,
          .user_sid = "S-1-5-18",
          .process_id = process_id,
          .body = named_data({{"Type", "server"}, {"ErrorCode", "0x8009030D"}, {"ErrorStatus", "10001"}})};
}

SimEvent listener_received(const Connection& connection) {
  auto event = listener_event(261, connection.process_id);
  event.activity_id = connection.activity_id;
  return event;
}
SimEvent connection_accepted(const Connection& connection) {
  return rdp_core_event(
      connection, 131, 4, 15,
      named_data({{"ConnType", "TCP"},
                  {"ClientIP", fmt::format("{}:{}", connection.client_address, connection.client_port)}}));
}
SimEvent connection_established(const Connection& connection) {
  return rdp_core_event(connection, 98, 4, 15, named_data({}));
}
SimEvent security_layer_failed(const Connection& connection, std::string_view result_code) {
  return rdp_core_event(
      connection, 139, 3, 14,
      named_data({{"ResultCode", std::string(result_code)}, {"IPString", connection.client_address}}));
}
SimEvent connection_ended(const Connection& connection) {
  return rdp_core_event(connection, 102, 4, 17, named_data({}));
}

SimEvent listener_started(std::uint32_t process_id) {
  return listener_event(258, process_id);
}
SimEvent listener_stopped(std::uint32_t process_id) {
  return listener_event(259, process_id);
}

SimEvent session_disconnected(std::uint32_t session_id, std::string_view user, std::string_view address) {
  return {
      .provider = k_session_manager,
      .channel = k_session_manager_operational,
      .id = 24,
      .keywords = "0x1000000000000000",
      .user_sid = "S-1-5-18",
      .process_id = 996,
      .body = user_data(
          {{"User", std::string(user)}, {"SessionID", std::to_string(session_id)}, {"Address", std::string(address)}})};
}

SimEvent service_entered_state(std::string_view name, std::string_view display_name, bool running) {
  return scm_event(7036, 4, 16384,
                   named_data({{"param1", std::string(display_name)}, {"param2", running ? "running" : "stopped"}},
                              utf16_hex(fmt::format("{}/{}", name, running ? 4 : 1))));
}
SimEvent service_start_failed(std::string_view display_name, std::uint32_t win32) {
  return scm_event(7000, 2, 49152,
                   named_data({{"param1", std::string(display_name)}, {"param2", fmt::format("%%{}", win32)}}));
}
SimEvent service_start_type_changed(std::string_view name, std::string_view display_name, v1::ServiceStartType from,
                                    v1::ServiceStartType to) {
  return scm_event(7040, 4, 16384,
                   named_data({{"param1", std::string(display_name)},
                               {"param2", start_type_text(from)},
                               {"param3", start_type_text(to)},
                               {"param4", std::string(name)}}));
}

SimEvent firewall_rule(RuleChange change, const FirewallRule& rule, std::string_view by_application) {
  SimEvent event{.provider = k_firewall,
                 .channel = k_firewall_channel,
                 .id = static_cast<std::uint32_t>(change),
                 .keywords = "0x8000020000000000",
                 .user_sid = "S-1-5-19",
                 .process_id = 1860,
                 .body = {}};
  const std::string name = rule.id, user = "S-1-5-18", application(by_application);
  if (change == RuleChange::deleted) {
    event.body = named_data(
        {{"RuleId", rule.id}, {"RuleName", name}, {"ModifyingUser", user}, {"ModifyingApplication", application}});
    return event;
  }
  event.body = named_data({{"RuleId", rule.id},
                           {"RuleName", name},
                           {"Origin", rule.by_policy ? "2" : "1"},
                           {"ApplicationPath", rule.application},
                           {"ServiceName", rule.service},
                           {"Direction", rule.inbound ? "1" : "2"},
                           {"Protocol", std::to_string(rule.protocol)},
                           {"LocalPorts", rule.local_ports},
                           {"RemotePorts", "*"},
                           {"Action", rule.allow ? "3" : "2"},
                           {"Profiles", std::to_string(rule.profiles)},
                           {"LocalAddresses", "*"},
                           {"RemoteAddresses", rule.remote_addresses},
                           {"RemoteMachineAuthorizationList", ""},
                           {"RemoteUserAuthorizationList", ""},
                           {"EmbeddedContext", rule.group},
                           {"Flags", "1"},
                           {"Active", rule.enabled ? "1" : "0"},
                           {"EdgeTraversal", "0"},
                           {"LooseSourceMapped", "0"},
                           {"SecurityOptions", "0"},
                           {"ModifyingUser", user},
                           {"ModifyingApplication", application},
                           {"SchemaVersion", "542"},
                           {"RuleStatus", "65536"},
                           {"LocalOnlyMapped", "0"}});
  return event;
}

SimEvent clock_changed(WallTime from, WallTime to) {
  return {.provider = k_kernel,
          .channel = k_system_channel,
          .id = 1,
          .task = 5,
          .keywords = "0x8000000000000010",
          .user_sid = "S-1-5-19",
          .process_id = 4,
          .body = named_data({{"NewTime", file_time_text(to)},
                              {"OldTime", file_time_text(from)},
                              {"Reason", "1"},
                              {"ProcessName", R"(\Device\HarddiskVolume3\Windows\System32\svchost.exe)"},
                              {"ProcessID", "1172"}})};
}

SimEvent told(const v1::SimEvent& event) {
  SimEvent logged{.provider = provider_named(event.provider(), event.has_qualifiers()),
                  .channel = event.channel(),
                  .id = event.event_id(),
                  .level = event.has_level() ? event.level() : 4,
                  .user_sid = event.user_sid(),
                  .body = event.user_data().empty() ? event_data(event) : user_data(event)};
  if (event.has_qualifiers()) logged.qualifiers = event.qualifiers();
  return logged;
}

}  // namespace events

}  // namespace rdpmend::sim
