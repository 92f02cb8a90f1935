#include "agent-lib/steps/settings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/support/hex.hpp"

namespace rdpmend {

namespace {

constexpr std::string_view k_tls12_server =
    R"(SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2\Server)";
constexpr std::string_view k_cluster_settings = R"(SYSTEM\CurrentControlSet\Control\Terminal Server\ClusterSettings)";
constexpr std::string_view k_licensing = R"(SYSTEM\CurrentControlSet\Control\Terminal Server\RCM)";
// "Refresh the X509 Certificate registry keys": backed up, then deleted.
constexpr std::string_view k_licensing_page =
    "https://learn.microsoft.com/troubleshoot/windows-server/remote/cannot-connect-rds-no-license-server";

constexpr std::uint32_t k_any = 0xFFFFFFFF;

constexpr SettingRow k_rows[] = {
    // --- whether Remote Desktop is on ---
    {.setting = v1::SETTING_DENY_CONNECTIONS,
     .key = registry_key::k_terminal_server,
     .name = "fDenyTSConnections",
     .writable = NumberRange{0, 0},
     .policy_twin = "fDenyTSConnections",
     .meaning = "whether Remote Desktop is switched off",
     .source = "measured.md L1, L2"},
    {.setting = v1::SETTING_DRAIN_MODE,
     .key = registry_key::k_terminal_server,
     .name = "TSServerDrainMode",
     .writable = NumberRange{0, 0},
     .meaning = "whether new sessions are turned away (drain mode)",
     .source = "rdp-host.md 2.2, 8.1 R-DRAIN; https://learn.microsoft.com/windows/win32/termserv/"
               "win32-terminalservicesetting (SessionBrokerDrainMode); that no restart is needed is unproven"},
    {.setting = v1::SETTING_LOGONS_DISABLED,
     .key = registry_key::k_winlogon,
     .name = "WinStationsDisabled",
     .writable = OneText{"0"},
     .meaning = "whether 'change logon' has switched remote sign-ins off",
     .source =
         "https://learn.microsoft.com/windows-server/administration/windows-commands/change-logon; name, type and "
         "value as in dumps of healthy hosts, unproven"},

    // --- the listener ---
    {.setting = v1::SETTING_LISTENER_ENABLED,
     .key = registry_key::k_rdp_tcp,
     .name = "fEnableWinStation",
     .writable = NumberRange{1, 1},
     .meaning = "whether the listener takes connections",
     .source = "rdp-host.md 2.2, 8.1 R-LISTENER"},
    {.setting = v1::SETTING_LISTENER_LOGON_DISABLED,
     .key = registry_key::k_rdp_tcp,
     .name = "fLogonDisabled",
     .writable = NumberRange{0, 0},
     .meaning = "whether the listener refuses sign-ins",
     .source = "rdp-host.md 2.2, 8.1 R-DRAIN"},
    {.setting = v1::SETTING_LISTENER_PROTOCOL,
     .key = registry_key::k_rdp_tcp,
     .name = "LoadableProtocol_Object",
     .writable = OneText{"{5828227c-20cf-4408-b73f-73ab70b8849f}"},
     .meaning = "the class of Windows' own RDP protocol stack",
     .source = "rdp-host.md 2.2"},
    {.setting = v1::SETTING_SECURITY_LAYER,
     .key = registry_key::k_rdp_tcp,
     .name = "SecurityLayer",
     .writable = NumberRange{0, 2},
     .raise_only = true,
     .policy_twin = "SecurityLayer",
     .meaning = "0 RDP, 1 negotiated, 2 TLS",
     .source = "measured.md L3; rdp-host.md 8.1 R-SECLAYER"},
    {.setting = v1::SETTING_MIN_ENCRYPTION_LEVEL,
     .key = registry_key::k_rdp_tcp,
     .name = "MinEncryptionLevel",
     .writable = NumberRange{1, 4},
     .raise_only = true,
     .policy_twin = "MinEncryptionLevel",
     .meaning = "1 low, 2 client compatible, 3 high, 4 FIPS",
     .source = "measured.md L5; rdp-host.md 8.1 R-SECLAYER"},
    {.setting = v1::SETTING_USER_AUTHENTICATION,
     .key = registry_key::k_rdp_tcp,
     .name = "UserAuthentication",
     .writable = NumberRange{1, 1},
     .raise_only = true,
     .lent = 0,
     .policy_twin = "UserAuthentication",
     .meaning = "whether clients must sign in before they get a session (NLA)",
     .source = "measured.md L4; that it holds from the next connection on, without a restart of TermService, is "
               "unproven (first-hour.ps1, point 13)"},
    {.setting = v1::SETTING_PORT_NUMBER,
     .key = registry_key::k_rdp_tcp,
     .name = "PortNumber",
     .writable = NumberRange{1, 65535},
     .meaning = "the port of the listener from its next start on",
     .source = "measured.md L7; rdp-host.md 2.2"},
    {.setting = v1::SETTING_LAN_ADAPTER,
     .key = registry_key::k_rdp_tcp,
     .name = "LanAdapter",
     .writable = NumberRange{0, 0},
     .drops_sessions = true,  // The listener moves to other addresses; whether at once is unproven.
     .meaning = "the network adapter that the listener is bound to, 0 for all",
     .source = "rdp-host.md 2.2 and 1.1 (1036); what a write does to a running listener is unproven"},
    {.setting = v1::SETTING_MAX_INSTANCE_COUNT,
     .key = registry_key::k_rdp_tcp,
     .name = "MaxInstanceCount",
     .writable = NumberRange{1, k_any},
     .raise_only = true,
     .policy_twin = "MaxInstanceCount",
     .meaning = "how many connections the listener takes, 0xFFFFFFFF for any number",
     .source = "rdp-host.md 2.2, 3"},
    {.setting = v1::SETTING_SELECT_TRANSPORT,
     .key = registry_key::k_rdp_tcp,
     .name = "SelectTransport",
     .writable = NumberRange{0, 2},
     .may_be_deleted = true,
     .policy_twin = "SelectTransport",
     .meaning = "0 UDP and TCP, 1 TCP only, 2 either, for new connections",
     .source = "rdp-host.md 2.2, 3, 8.1 R-UDP; that the local value counts is unproven"},

    // --- its certificate ---
    {.setting = v1::SETTING_SELF_SIGNED_CERT_STORE,
     .key = registry_key::k_win_stations,
     .name = "SelfSignedCertStore",
     .writable = OneText{"Remote Desktop"},
     .meaning = "the store of the self-signed certificate",
     .source = "rdp-host.md 2.2; https://learn.microsoft.com/troubleshoot/windows-server/remote/"
               "internal-error-has-occurred-connecting-remote-machine"},
    // Without it the listener falls back to the template's or the self-signed certificate.
    {.setting = v1::SETTING_BOUND_CERTIFICATE,
     .key = registry_key::k_rdp_tcp,
     .name = "SSLCertificateSHA1Hash",
     .writable = BytesOfSize{20},
     .may_be_deleted = true,
     .policy_twin = "CertTemplateName",
     .meaning = "the certificate that is bound to the listener",
     .source = "measured.md C9; rdp-host.md 2.2, 2.3, 8.1 R-CERT-BIND"},
    {.setting = v1::SETTING_TLS12_SERVER_ENABLED,
     .key = k_tls12_server,
     .name = "Enabled",
     .writable = NumberRange{1, 1},
     .may_be_deleted = true,
     .meaning = "whether this computer's servers may use TLS 1.2, from the next start of Windows on",
     .source = "measured.md L9; rdp-host.md 8.1 R-TLS; that a restart is needed is unproven"},
    {.setting = v1::SETTING_TLS12_SERVER_OFF_BY_DEFAULT,
     .key = k_tls12_server,
     .name = "DisabledByDefault",
     .writable = NumberRange{0, 0},
     .may_be_deleted = true,
     .meaning = "whether servers that do not ask for TLS 1.2 go without it, from the next start of Windows on",
     .source = "measured.md L9; rdp-host.md 8.1 R-TLS; that a restart is needed is unproven"},

    // --- broker and licences: both are only ever deleted ---
    {.setting = v1::SETTING_BROKER_REDIRECTION_IP,
     .key = k_cluster_settings,
     .name = "SessionDirectoryRedirectionIP",
     .writable = Nothing{},
     .may_be_deleted = true,
     .meaning = "the address to which the connection broker sends clients of this host",
     .source = "https://learn.microsoft.com/troubleshoot/windows-server/remote/ (KB 2844958, a host whose address was "
               "changed); newer builds unproven"},
    {.setting = v1::SETTING_LICENSING_CERTIFICATE,
     .key = k_licensing,
     .name = "Certificate",
     .writable = Nothing{},
     .may_be_deleted = true,
     .meaning = "a certificate of licensing, made anew by Windows",
     .source = k_licensing_page},
    {.setting = v1::SETTING_LICENSING_X509_CERTIFICATE,
     .key = k_licensing,
     .name = "X509 Certificate",
     .writable = Nothing{},
     .may_be_deleted = true,
     .meaning = "a certificate of licensing, made anew by Windows",
     .source = k_licensing_page},
    {.setting = v1::SETTING_LICENSING_X509_CERTIFICATE_ID,
     .key = k_licensing,
     .name = "X509 Certificate ID",
     .writable = Nothing{},
     .may_be_deleted = true,
     .meaning = "the identity that licensing certificates are made for",
     .source = k_licensing_page},
    {.setting = v1::SETTING_LICENSING_X509_CERTIFICATE2,
     .key = k_licensing,
     .name = "X509 Certificate2",
     .writable = Nothing{},
     .may_be_deleted = true,
     .meaning = "a certificate of licensing, made anew by Windows",
     .source = k_licensing_page},

    // --- services ---
    // For a value that is empty or gone. A foreign file is tampering, which is reported and not overwritten.
    {.setting = v1::SETTING_TERM_SERVICE_DLL,
     .key = registry_key::k_term_service_parameters,
     .name = "ServiceDll",
     .writable = OneExpandableText{R"(%SystemRoot%\System32\termsrv.dll)"},
     .meaning = "the file that TermService runs from its next start on",
     .source = "rdp-host.md 5"},
};

bool is_valid(const SettingRow& row, std::uint32_t number) {
  const auto* range = std::get_if<NumberRange>(&row.writable);
  return range && range->least <= number && number <= range->most;
}

// What the step asks for, if the row lets anybody write it.
struct Wanted {
  const v1::SetSetting& step;

  using Answer = std::optional<RegistryValue>;
  Answer operator()(const NumberRange& range) const {
    if (!step.has_number() || step.number() < range.least || step.number() > range.most) return std::nullopt;
    return step.number();
  }
  Answer operator()(const OneText& one) const {
    if (!step.has_text() || step.text() != one.text) return std::nullopt;
    return step.text();
  }
  Answer operator()(const OneExpandableText& one) const {
    if (!step.has_text() || step.text() != one.text) return std::nullopt;
    return ExpandableText{step.text()};
  }
  Answer operator()(const BytesOfSize& bytes) const {
    if (!step.has_binary() || step.binary().size() != bytes.size) return std::nullopt;
    return RegistryBinary(step.binary().begin(), step.binary().end());
  }
  Answer operator()(const Nothing&) const { return std::nullopt; }
};

struct Words {
  std::string operator()(std::uint32_t number) const {
    return number < 0x10000 ? fmt::format("{}", number) : fmt::format("{:#x}", number);
  }
  std::string operator()(const std::string& text) const { return fmt::format("'{}'", text); }
  std::string operator()(const ExpandableText& text) const { return fmt::format("'{}' (expandable)", text.text); }
  std::string operator()(const RegistryBinary& bytes) const {
    constexpr std::size_t k_most_shown = 20;  // A thumbprint.
    const std::span<const unsigned char> all(bytes);
    if (all.size() <= k_most_shown) return fmt::format("0x{}", to_hex(all));
    return fmt::format("{} bytes 0x{}..", all.size(), to_hex(all.first(k_most_shown)));
  }
};

}  // namespace

std::span<const SettingRow> setting_rows() {
  return k_rows;
}

const SettingRow* find_setting(v1::Setting setting) {
  const auto* found = std::ranges::find(k_rows, setting, &SettingRow::setting);
  return found == std::end(k_rows) ? nullptr : found;
}

Result<std::optional<RegistryValue>> wanted_value(const SettingRow& row, const v1::SetSetting& step) {
  if (step.absent() && row.may_be_deleted) return std::nullopt;
  if (is_only_lent(row, step)) return step.number();
  if (auto value = std::visit(Wanted{step}, row.writable)) return value;
  return fail(ErrorCode::invalid_argument, fmt::format("that is nothing that may be written to {}", name_of(row)),
              "What may be is in agent-lib/steps/settings.cpp.");
}

bool is_only_lent(const SettingRow& row, const v1::SetSetting& step) {
  return row.lent && step.has_number() && step.number() == *row.lent;
}

Status may_lend(const SettingRow& row, const std::optional<RegistryValue>& before) {
  if (before == RegistryValue(*row.lent + 1)) return {};
  if (before == RegistryValue(*row.lent)) {
    return fail(ErrorCode::conflict, fmt::format("{} is {} already, and not by a loan", name_of(row), *row.lent),
                "Whoever set it so decides how long.");
  }
  return fail(ErrorCode::denied,
              fmt::format("{} is {}: only {} is lowered for a time", name_of(row), to_text(before), *row.lent + 1));
}

Status may_replace(const SettingRow& row, const std::optional<RegistryValue>& before,
                   const std::optional<RegistryValue>& wanted) {
  if (!row.raise_only) return {};
  if (!before) {
    return fail(ErrorCode::denied, fmt::format("{} is absent and is left so", name_of(row)),
                "Windows has a default for it, and nobody knows whether this would weaken it.");
  }
  const auto* now = std::get_if<std::uint32_t>(&*before);
  const auto* then = wanted ? std::get_if<std::uint32_t>(&*wanted) : nullptr;
  if (then && (!now || !is_valid(row, *now) || *now <= *then)) return {};
  return fail(ErrorCode::denied, fmt::format("{} is {} and is never lowered", name_of(row), to_text(before)),
              "If it must be, an administrator has to decide and do it.");
}

std::string name_of(const SettingRow& row) {
  const auto slash = row.key.rfind('\\');
  return fmt::format("{}\\{}", row.key.substr(slash + 1), row.name);
}

std::string to_text(const std::optional<RegistryValue>& value) {
  return value ? std::visit(Words{}, *value) : "absent";
}

v1::SettingState to_state(const std::optional<RegistryValue>& value) {
  v1::SettingState state;
  if (!value) return state;
  if (const auto* number = std::get_if<std::uint32_t>(&*value)) state.set_number(*number);
  if (const auto* text = std::get_if<std::string>(&*value)) state.set_text(*text);
  if (const auto* text = std::get_if<ExpandableText>(&*value)) state.set_expandable_text(text->text);
  if (const auto* bytes = std::get_if<RegistryBinary>(&*value)) state.set_binary(bytes->data(), bytes->size());
  return state;
}

std::optional<RegistryValue> from_state(const v1::SettingState& state) {
  switch (state.value_case()) {
    case v1::SettingState::kNumber: return state.number();
    case v1::SettingState::kText: return state.text();
    case v1::SettingState::kExpandableText: return ExpandableText{state.expandable_text()};
    case v1::SettingState::kBinary: return RegistryBinary(state.binary().begin(), state.binary().end());
    case v1::SettingState::VALUE_NOT_SET: break;
  }
  return std::nullopt;
}

}  // namespace rdpmend
