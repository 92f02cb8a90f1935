#include "agent-lib/faults/listener_certificate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent-lib/support/hex.hpp"

namespace rdpmend::faults {

namespace {

constexpr int k_containers = 9;

// A thumbprint of the right size; anything else SessionEnv ignores and replaces.
Result<std::string> read_thumbprint(const HostView& host, std::string_view key, std::string_view name) {
  const auto bytes = read_binary(host.registry, key, name);
  if (!bytes) return fail(bytes.error());
  const bool usable = *bytes && (*bytes)->size() == 20 &&
                      std::any_of((*bytes)->begin(), (*bytes)->end(), [](unsigned char byte) { return byte != 0; });
  return usable ? to_hex(**bytes) : std::string{};
}

Result<ListenerCertificate> look_up(const HostView& host, ListenerCertificate::Origin origin, std::string_view store,
                                    std::string sha1, std::string source) {
  ListenerCertificate result{origin, std::string(store), std::move(sha1), std::nullopt, std::move(source)};
  if (result.sha1.empty()) return result;
  auto certificate = host.certificates.find(store, result.sha1);
  if (!certificate && certificate.error().code != ErrorCode::not_found) return fail(std::move(certificate).error());
  if (certificate) result.certificate = std::move(*certificate);
  return result;
}

}  // namespace

Result<ListenerCertificate> read_listener_certificate(const HostView& host) {
  using Origin = ListenerCertificate::Origin;
  const auto bound = read_thumbprint(host, registry_key::k_rdp_tcp, "SSLCertificateSHA1Hash");
  if (!bound) return fail(bound.error());
  if (!bound->empty()) return look_up(host, Origin::bound, k_my_store, *bound, "RDP-Tcp\\SSLCertificateSHA1Hash");

  const auto template_name = read_text(host.registry, registry_key::k_policy, "CertTemplateName");
  if (!template_name) return fail(template_name.error());
  if (*template_name && !(*template_name)->empty()) {
    const auto enrolled = read_thumbprint(host, registry_key::k_win_stations, "TemplateCertificate");
    if (!enrolled) return fail(enrolled.error());
    return look_up(host, Origin::policy_template, k_my_store, *enrolled,
                   fmt::format("WinStations\\TemplateCertificate, template {} by Group Policy", **template_name));
  }

  const auto self_signed = read_thumbprint(host, registry_key::k_win_stations, "SelfSignedCertificate");
  if (!self_signed) return fail(self_signed.error());
  return look_up(host, Origin::self_signed, k_remote_desktop_store, *self_signed, "WinStations\\SelfSignedCertificate");
}

Result<std::vector<RdpKeyFile>> read_rdp_key_files(const HostView& host) {
  const auto guid = read_text(host.registry, registry_key::k_cryptography, "MachineGuid");
  if (!guid) return fail(guid.error());
  if (!*guid) return fail(ErrorCode::not_found, "HKLM\\SOFTWARE\\Microsoft\\Cryptography\\MachineGuid is missing");

  constexpr std::pair<std::string_view, std::uint32_t> k_required[] = {{sid::k_system, k_file_all_access},
                                                                       {sid::k_network_service, k_file_generic_read}};
  std::vector<RdpKeyFile> files;
  for (int number = 1; number <= k_containers; ++number) {
    RdpKeyFile key;
    key.container = fmt::format("TSSecKeySet{}", number);
    key.file = machine_key_file_name(key.container, **guid);
    auto found = host.key_files.find(k_machine_keys_folder, key.file);
    if (!found) {
      const auto code = found.error().code;
      if (code != ErrorCode::denied && code != ErrorCode::unsupported) return fail(std::move(found).error());
      key.unknown = found.error().what;
      files.push_back(std::move(key));
      continue;
    }
    if (!*found) continue;
    key.state = std::move(**found);
    for (const auto& [who, needed] : k_required) {
      if ((denied_mask(key.state.security, who) & needed) != 0) {
        key.denied_sid = who;
      } else if ((granted_mask(key.state.security, who) & needed) != needed) {
        auto& ace = key.missing.emplace_back();
        ace.set_type(v1::Ace::TYPE_ALLOW);
        ace.set_sid(std::string(who));
        ace.set_mask(needed);
      }
    }
    files.push_back(std::move(key));
  }
  return files;
}

}  // namespace rdpmend::faults
