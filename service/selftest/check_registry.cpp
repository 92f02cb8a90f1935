// Registry values that adapters and faults read: where they are, of which type, and within which bounds.
#include <fmt/format.h>

#include <limits>

#include "agent-lib/events/ascii.hpp"
#include "agent-lib/support/hex.hpp"
#include "service/selftest/checks.hpp"

namespace rdpmend {

namespace {

using namespace registry_key;

enum class Presence { always, sometimes };

struct Dword {
  std::string_view key, name;
  Presence presence;
  std::uint32_t lowest, highest;
  std::string_view source;
};
struct Text {
  std::string_view key, name;
  Presence presence;
  std::string_view value;  // Compared without case; empty: any.
  std::string_view source;
};
struct Binary {
  std::string_view key, name;
  Presence presence;
  std::size_t size;
  std::string_view source;
};

constexpr auto k_any = std::numeric_limits<std::uint32_t>::max();
constexpr std::string_view k_fips = R"(SYSTEM\CurrentControlSet\Control\Lsa\FipsAlgorithmPolicy)";
constexpr std::string_view k_schannel = R"(SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL)";
constexpr std::string_view k_windows = R"(SOFTWARE\Microsoft\Windows NT\CurrentVersion)";
constexpr std::string_view k_profiles = R"(SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList)";

constexpr std::string_view k_map = "rdp-host.md 2.2";
constexpr std::string_view k_policies = "rdp-host.md 3, TerminalServer.admx";

constexpr Dword k_dwords[] = {
    {k_terminal_server, "fDenyTSConnections", Presence::always, 0, 1, k_map},
    {k_terminal_server, "TSServerDrainMode", Presence::sometimes, 0, 2, k_map},
    {k_terminal_server, "TSEnabled", Presence::sometimes, 0, 1, "rdp-host.md 2.2, meaning UNVERIFIED"},
    {k_terminal_server, "TSUserEnabled", Presence::sometimes, 0, 1, "rdp-host.md 2.2, meaning UNVERIFIED"},
    {k_win_stations, "CertRefreshInterval", Presence::sometimes, 0, k_any, "rdp-host.md 2.1, undocumented"},
    {k_rdp_tcp, "PortNumber", Presence::always, 1, 65'535, k_map},
    {k_rdp_tcp, "SecurityLayer", Presence::always, 0, 2, k_map},
    {k_rdp_tcp, "UserAuthentication", Presence::always, 0, 1, k_map},
    {k_rdp_tcp, "MinEncryptionLevel", Presence::always, 1, 4, k_map},
    {k_rdp_tcp, "fAllowSecProtocolNegotiation", Presence::sometimes, 1, 1, "rdp-host.md 2.2, meaning inferred"},
    {k_rdp_tcp, "fEnableWinStation", Presence::always, 0, 1, k_map},
    {k_rdp_tcp, "fLogonDisabled", Presence::sometimes, 0, 1, k_map},
    {k_rdp_tcp, "MaxInstanceCount", Presence::sometimes, 1, k_any, k_map},
    {k_rdp_tcp, "LanAdapter", Presence::sometimes, 0, k_any, k_map},
    {k_policy, "fDenyTSConnections", Presence::sometimes, 0, 1, k_policies},
    {k_policy, "UserAuthentication", Presence::sometimes, 0, 1, k_policies},
    {k_policy, "SecurityLayer", Presence::sometimes, 0, 2, k_policies},
    {k_policy, "MinEncryptionLevel", Presence::sometimes, 1, 4, k_policies},
    {k_policy, "fEncryptRPCTraffic", Presence::sometimes, 0, 1, k_policies},
    {k_policy, "MaxInstanceCount", Presence::sometimes, 1, 999'999, k_policies},
    {k_policy, "SelectTransport", Presence::sometimes, 0, 2, k_policies},
    {k_fips, "Enabled", Presence::sometimes, 0, 1, "rdp-host.md 3, effect on RDP UNVERIFIED"},
    {k_schannel, "EventLogging", Presence::sometimes, 1, 7, "rdp-host.md 1.7, default 1 UNVERIFIED"},
    {k_windows, "UBR", Presence::sometimes, 0, k_any, "rdp-host.md 8.2"},
};

constexpr Text k_texts[] = {
    {k_win_stations, "SelfSignedCertStore", Presence::always, "Remote Desktop", k_map},
    {k_rdp_tcp, "LoadableProtocol_Object", Presence::sometimes, "{5828227c-20cf-4408-b73f-73ab70b8849f}", k_map},
    {k_policy, "CertTemplateName", Presence::sometimes, "", k_policies},
    {k_term_service_parameters, "ServiceDll", Presence::always, R"(%SystemRoot%\System32\termsrv.dll)",
     "rdp-host.md 5"},
    {k_cryptography, "MachineGuid", Presence::always, "", "rdp-host.md 2.5"},
    {k_profiles, "ProgramData", Presence::always, R"(%SystemDrive%\ProgramData)", "rdp-host.md 2.6"},
    {k_windows, "CurrentBuildNumber", Presence::sometimes, "", "rdp-host.md 8.2"},
};

constexpr Binary k_binaries[] = {
    {k_win_stations, "SelfSignedCertificate", Presence::always, 20, "rdp-host.md 2.2, third-party analysis"},
    {k_win_stations, "TemplateCertificate", Presence::sometimes, 20, "rdp-host.md 2.2, third-party analysis"},
    {k_rdp_tcp, "SSLCertificateSHA1Hash", Presence::sometimes, 20, "rdp-host.md 2.2, KB3042780"},
};

std::string name_of(std::string_view key, std::string_view name) {
  return fmt::format("{}\\{}", key, name);
}

// Whether there is a value to look at; absent and unreadable ones are told.
template <class Value>
bool there(const Result<std::optional<Value>>& read, Presence presence, const Assumption& assumption, Checks& checks) {
  if (!read) {
    checks.failed(assumption, read.error());
    return false;
  }
  if (*read) return true;
  if (presence == Presence::always) {
    checks.differs(assumption, "no such value");
  } else {
    checks.not_here(assumption, "no such value, so its default is in force");
  }
  return false;
}

void check(const Registry& registry, const Dword& value, Checks& checks) {
  const auto bounds = value.highest == k_any          ? std::string()
                      : value.lowest == value.highest ? fmt::format(", {}", value.lowest)
                                                      : fmt::format(", {} to {}", value.lowest, value.highest);
  const Assumption assumption{name_of(value.key, value.name), "REG_DWORD" + bounds, std::string(value.source)};
  const auto read = read_dword(registry, value.key, value.name);
  if (!there(read, value.presence, assumption, checks)) return;
  checks.compare(**read >= value.lowest && **read <= value.highest, assumption, std::to_string(**read));
}

void check(const Registry& registry, const Text& value, Checks& checks) {
  const auto expected = value.value.empty() ? std::string("text") : fmt::format("text, {}", value.value);
  const Assumption assumption{name_of(value.key, value.name), expected, std::string(value.source)};
  const auto read = read_text(registry, value.key, value.name);
  if (!there(read, value.presence, assumption, checks)) return;
  checks.compare(value.value.empty() ? !(*read)->empty() : equals_ignoring_case(**read, value.value), assumption,
                 **read);
}

void check(const Registry& registry, const Binary& value, Checks& checks) {
  const Assumption assumption{name_of(value.key, value.name), fmt::format("REG_BINARY of {} bytes", value.size),
                              std::string(value.source)};
  const auto read = read_binary(registry, value.key, value.name);
  if (!there(read, value.presence, assumption, checks)) return;
  checks.compare((*read)->size() == value.size, assumption, to_hex(**read));
}

}  // namespace

void check_registry(const HostView& host, v1::SelfTestResponse& all) {
  Checks checks("registry", all);
  for (const auto& value : k_dwords) check(host.registry, value, checks);
  for (const auto& value : k_texts) check(host.registry, value, checks);
  for (const auto& value : k_binaries) check(host.registry, value, checks);
}

}  // namespace rdpmend
