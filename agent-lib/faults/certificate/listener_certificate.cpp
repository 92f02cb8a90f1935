#include "agent-lib/faults/certificate/listener_certificate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent-lib/support/hex.hpp"

namespace rdpmend::faults::certificate {

namespace {

using Origin = ListenerCertificate::Origin;

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

}  // namespace rdpmend::faults::certificate
