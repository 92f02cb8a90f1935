#include "agent-lib/faults/listener_certificate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent-lib/events/event_xml.hpp"
#include "agent-lib/faults/evidence.hpp"
#include "agent-lib/knowledge/stock_host.hpp"
#include "agent-lib/support/hex.hpp"

namespace rdpmend::faults {

namespace {

using namespace std::chrono_literals;
using Origin = ListenerCertificate::Origin;

constexpr Duration k_give_up_on_serving = 20s;  // A running TermService may go on serving the old certificate.

struct Thumbprint {
  std::string sha1;  // Empty: none, or all zero.
  std::string malformed;
};

// What is not 20 bytes of REG_BINARY is a finding, and never "not set" (event 1059; measured.md 0.1).
Result<Thumbprint> read_thumbprint(const HostView& host, std::string_view key, std::string_view name) {
  const auto bytes = read_binary(host.registry, key, name);
  if (!bytes && bytes.error().code == ErrorCode::corrupt) return Thumbprint{{}, "it is not of type REG_BINARY"};
  if (!bytes) return fail(bytes.error());
  if (!*bytes) return Thumbprint{};
  if ((*bytes)->size() != 20) return Thumbprint{{}, fmt::format("it has {} bytes, not 20", (*bytes)->size())};
  const bool zero = std::all_of((*bytes)->begin(), (*bytes)->end(), [](unsigned char byte) { return byte == 0; });
  return zero ? Thumbprint{} : Thumbprint{to_hex(**bytes), {}};
}

Result<ListenerCertificate> look_up(const HostView& host, Origin origin, std::string_view store, Thumbprint thumbprint,
                                    std::string source) {
  ListenerCertificate result{origin,       std::string(store), std::move(thumbprint.sha1),
                             std::nullopt, std::move(source),  std::move(thumbprint.malformed)};
  if (result.sha1.empty()) return result;
  auto certificate = host.certificates.find(store, result.sha1);
  if (!certificate && certificate.error().code != ErrorCode::not_found) return fail(std::move(certificate).error());
  if (certificate) result.certificate = std::move(*certificate);
  return result;
}

std::string path_of(const RdpKeyFile& key) {
  return fmt::format("%ProgramData%\\Microsoft\\Crypto\\{}\\{}", k_machine_keys_folder, key.file);
}

std::string what_is(const RdpKeyFile& key) {
  return fmt::format("key file of {} ({})", k_listener_container, key.file);
}

// The stock entries that the list lacks. An account that is denied is left to a human.
std::vector<v1::Ace> missing_entries(const v1::FileSecurity& security, const v1::FileSecurity& stock) {
  std::vector<v1::Ace> missing;
  for (const auto& ace : stock.dacl()) {
    if ((granted_mask(security, ace.sid()) & ace.mask()) != ace.mask()) missing.push_back(ace);
  }
  return missing;
}

v1::Verdict not_served(const HostView& host, const v1::ProbeReport& report, const ListenerCertificate& listener,
                       WallTime since) {
  const auto text =
      fmt::format("certificate {} is registered, but the probe says: {}", listener.sha1, probe_summary(report));
  const auto elapsed = host.clock.now() - since;
  if (elapsed <= k_give_up_on_serving) return ask_again(text, backed_off(elapsed));
  auto result = verdict(v1::Verdict::RESULT_NOT_REPAIRED, text);
  if (report.outcome() == v1::PROBE_OUTCOME_OK || report.outcome() == v1::PROBE_OUTCOME_CLOSED_BEFORE_CONFIRM)
    result.set_next_rung(std::string(k_term_service_rung));
  return result;
}

}  // namespace

Result<ListenerCertificate> read_listener_certificate(const HostView& host) {
  auto bound = read_thumbprint(host, registry_key::k_rdp_tcp, "SSLCertificateSHA1Hash");
  if (!bound) return fail(bound.error());
  if (!bound->sha1.empty() || !bound->malformed.empty())
    return look_up(host, Origin::bound, k_my_store, std::move(*bound), "RDP-Tcp\\SSLCertificateSHA1Hash");

  const auto template_name = read_text(host.registry, registry_key::k_policy, "CertTemplateName");
  if (!template_name) return fail(template_name.error());
  if (*template_name && !(*template_name)->empty()) {
    // Unproven: only a third party's analysis names TemplateCertificate. Whoever asks looks at what is served besides.
    auto enrolled = read_thumbprint(host, registry_key::k_win_stations, "TemplateCertificate");
    if (!enrolled) return fail(enrolled.error());
    return look_up(host, Origin::policy_template, k_my_store, std::move(*enrolled),
                   fmt::format("WinStations\\TemplateCertificate, template {} by Group Policy", **template_name));
  }

  auto self_signed = read_thumbprint(host, registry_key::k_win_stations, "SelfSignedCertificate");
  if (!self_signed) return fail(self_signed.error());
  self_signed->malformed.clear();  // SessionEnv ignores what is no thumbprint and makes a new certificate.
  return look_up(host, Origin::self_signed, k_remote_desktop_store, std::move(*self_signed),
                 "WinStations\\SelfSignedCertificate");
}

Result<RdpKeyFile> read_rdp_key_file(const HostView& host) {
  const auto guid = read_text(host.registry, registry_key::k_cryptography, "MachineGuid");
  if (!guid) return fail(guid.error());
  if (!*guid) return fail(ErrorCode::not_found, "HKLM\\SOFTWARE\\Microsoft\\Cryptography\\MachineGuid is missing");
  RdpKeyFile key;
  key.file = machine_key_file_name(k_listener_container, **guid);
  auto found = host.key_files.find(k_machine_keys_folder, key.file);
  if (!found) {
    const auto code = found.error().code;
    if (code != ErrorCode::denied && code != ErrorCode::unsupported) return fail(std::move(found).error());
    key.present = true;
    key.unknown = found.error().what;
    return key;
  }
  if (!*found) return key;
  key.present = true;
  key.state = std::move(**found);
  const auto build = windows_build(host.registry);
  if (!build) return fail(build.error());
  auto stock = stock_key_file_security(build->value_or(0));
  // Which third entry a build has is known only if the build is.
  if (!*build) stock.mutable_dacl()->RemoveLast();
  key.missing = missing_entries(key.state.security, stock);
  return key;
}

bool add_key_file_obstacles(const RdpKeyFile& key, v1::Diagnosis& diagnosis) {
  auto& evidence = *diagnosis.mutable_evidence();
  if (!key.unknown.empty()) {
    add_evidence(evidence, what_is(key), key.unknown, "an access list that SYSTEM may read", "its access list");
    add_advice(diagnosis,
               fmt::format("{}. Find out who changed {}, take ownership of it as an administrator, and leave "
                           "plain entries: SYSTEM full, NETWORK SERVICE read.",
                           key.unknown, path_of(key)));
    return true;
  }
  if (!key.present) return false;
  if (!key.state.plain) {
    add_evidence(evidence, what_is(key), "a link", "a plain file", "the file system");
    add_advice(diagnosis, fmt::format("{} is a link, which may have been planted. Look into it before anything else.",
                                      path_of(key)));
    return true;
  }
  bool any = false;
  for (const auto who : {sid::k_network_service, sid::k_system}) {
    if (!key.denies(who)) continue;
    any = true;
    add_evidence(evidence, what_is(key), fmt::format("an entry denies access to {}", who), "none", "its access list");
    add_advice(diagnosis,
               fmt::format("Somebody denied {} the listener's key on purpose or by a hardening tool. If it was "
                           "not meant: icacls \"{}\" /remove:d *{}",
                           who, path_of(key), who));
  }
  return any;
}

void add_key_access(const RdpKeyFile& key, v1::Plan& plan, v1::Rung& rung) {
  if (!key.present || !key.unknown.empty()) return;  // The diagnosis says what to do.
  if (key.missing.empty()) {
    plan.add_reads(fmt::format("access to the {}: as Windows ships it", what_is(key)));
    return;
  }
  auto& step = *rung.add_steps();
  step.set_reason(
      "TermService (NETWORK SERVICE) cannot use a key that it cannot read, and SessionEnv (SYSTEM) cannot replace one "
      "that "
      "it cannot open.");
  auto& grant = *step.mutable_grant_key_file_access();
  grant.set_folder(std::string(k_machine_keys_folder));
  grant.set_file(key.file);
  for (const auto& ace : key.missing) *grant.add_missing() = ace;
}

Result<bool> add_term_service_rung(const HostView& host, v1::Plan& plan) {
  const auto dll = read_text(host.registry, registry_key::k_term_service_parameters, "ServiceDll");
  if (!dll) return fail(dll.error());
  std::string lower = dll->value_or("");
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (lower != "%systemroot%\\system32\\termsrv.dll") {
    plan.clear_rungs();
    plan.set_advice(
        fmt::format("TermService's ServiceDll is \"{}\", not %SystemRoot%\\System32\\termsrv.dll: it may have been "
                    "tampered with. Nothing is repaired or restarted until that is explained.",
                    dll->value_or("")));
    return false;
  }
  auto& rung = *plan.add_rungs();
  rung.set_id(std::string(k_term_service_rung));
  rung.set_reason("Only if the listener does not serve the registered certificate: it disconnects everybody.");
  auto& step = *rung.add_steps();
  step.set_reason("TermService loads the certificate when it starts.");
  step.mutable_restart_service()->set_service(std::string(service_name::k_term_service));
  return true;
}

Result<std::vector<EventRecord>> certificate_events(const HostView& host, std::vector<std::uint32_t> ids,
                                                    WallTime since) {
  constexpr std::string_view k_provider = "Microsoft-Windows-TerminalServices-RemoteConnectionManager";
  auto found = host.events.look_up({"System", std::string(k_provider), std::move(ids), since, 16});
  if (!found) return fail(std::move(found).error());
  std::vector<EventRecord> events;
  for (const auto& xml : *found) {
    if (auto event = parse_event(xml)) events.push_back(std::move(*event));
  }
  return events;
}

Result<v1::Verdict> prove_served(const HostView& host, const ListenerCertificate& listener, WallTime since) {
  auto report = host.listener.probe(ProbeFrom::own_address, k_probe_deadline);
  if (!report) return fail(report.error());
  std::string by_way_of = "the host's own address";
  if (report->stage() < v1::PROBE_STAGE_CONNECTED) {
    auto inside = host.listener.probe(ProbeFrom::loopback, k_probe_deadline);
    if (inside && inside->outcome() == v1::PROBE_OUTCOME_OK) {
      by_way_of = fmt::format("loopback (the host's own address: {})", report->detail());
      report = std::move(inside);
    }
  }
  const bool proven = report->outcome() == v1::PROBE_OUTCOME_OK && report->certificate().sha1() == listener.sha1;
  const auto until =
      listener.certificate ? to_iso8601(listener.certificate->not_after) : std::string("an unknown time");
  auto result = proven
                    ? verdict(v1::Verdict::RESULT_REPAIRED,
                              fmt::format("the listener serves certificate {} until {}, proved by a handshake over {}",
                                          listener.sha1, until, by_way_of))
                    : not_served(host, *report, listener, since);
  add_evidence(*result.mutable_evidence(), "registered certificate", listener.sha1, "served by the listener",
               listener.source);
  add_probe_evidence(*result.mutable_evidence(), *report);
  *result.mutable_probe() = std::move(*report);
  return result;
}

}  // namespace rdpmend::faults
