// The listener's certificate, its private key and the key's file.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "agent-lib/events/ascii.hpp"
#include "agent-lib/faults/listener_certificate.hpp"
#include "service/selftest/findings.hpp"

namespace rdpmend {

namespace {

using Days = std::chrono::duration<std::int64_t, std::ratio<86'400>>;

constexpr Days k_shortest_lifetime{150};
constexpr Days k_longest_lifetime{200};
constexpr Days k_renewed_before{29};  // 30 days, and SessionEnv looks twice a day.
constexpr int k_containers = 9;

std::int64_t in_days(Duration time) {
  return std::chrono::duration_cast<Days>(time).count();
}

std::string name_of(KeyUse use) {
  switch (use) {
    case KeyUse::usable: return "usable";
    case KeyUse::missing: return "there is no key";
    case KeyUse::denied: return "access is denied";
    case KeyUse::corrupt: return "the key is damaged";
    case KeyUse::mismatch: return "the key is not the certificate's";
  }
  return "?";
}

void check_store(const HostView& host, std::string_view store, Findings& findings) {
  const Assumption assumption{fmt::format("LocalMachine store {}", store), "exists", "rdp-host.md 2.2, 7.2"};
  const auto list = host.certificates.list(store);
  if (!list) return findings.failed(assumption, list.error());
  findings.holds(assumption, fmt::format("{} certificates", list->size()));
}

void check_dates(const HostView& host, const Certificate& certificate, Findings& findings) {
  const auto lifetime = certificate.not_after - certificate.not_before;
  findings.compare(
      lifetime >= k_shortest_lifetime && lifetime <= k_longest_lifetime,
      {"lifetime of the self-signed certificate", "about 6 months", "rdp-host.md 2.4, conflicting sources"},
      fmt::format("{} days", in_days(lifetime)));
  const auto left = certificate.not_after - host.clock.now();
  findings.compare(left >= k_renewed_before,
                   {"renewal of the self-signed certificate", "at least 29 days left: renewed when fewer than 30 are",
                    "rdp-host.md 2.4, 8.4.8, inferred"},
                   fmt::format("{} days left", in_days(left)));
}

bool is_rdp_container(std::string_view container) {
  for (int number = 1; number <= k_containers; ++number) {
    if (equals_ignoring_case(container, fmt::format("TSSecKeySet{}", number))) return true;
  }
  return false;
}

void check_self_signed(const HostView& host, const Certificate& certificate, Findings& findings) {
  check_dates(host, certificate, findings);
  findings.compare(is_rdp_container(certificate.key_container),
                   {"key container of the self-signed certificate", "TSSecKeySet1 to TSSecKeySet9", "rdp-host.md 2.5"},
                   certificate.key_container.empty() ? "none" : certificate.key_container);
  findings.compare(certificate.key_provider.starts_with("Microsoft Enhanced Cryptographic Provider"),
                   {"key provider of the self-signed certificate", "Microsoft Enhanced Cryptographic Provider v1.0",
                    "rdp-host.md 2.5"},
                   certificate.key_provider.empty() ? "none" : certificate.key_provider);
}

void check_listener_certificate(const HostView& host, Findings& findings) {
  const Assumption assumption{"certificate of the listener", "registered by SHA-1, and in its store",
                              "rdp-host.md 2.3"};
  const auto read = faults::read_listener_certificate(host);
  if (!read) return findings.failed(assumption, read.error());
  if (read->sha1.empty()) return findings.differs(assumption, fmt::format("{} is empty", read->source));
  if (!read->certificate)
    return findings.differs(
        assumption, fmt::format("{} is {}, which store {} does not hold", read->source, read->sha1, read->store));
  const auto& certificate = *read->certificate;
  findings.holds(assumption, fmt::format("{} = {}, {}", read->source, read->sha1, certificate.subject));
  findings.compare(certificate.server_authentication,
                   {"purpose of the certificate", "Server Authentication", "rdp-host.md 2.4"},
                   certificate.server_authentication ? "Server Authentication" : "not Server Authentication");

  const Assumption key{"private key of the certificate, used as this process", "usable", "rdp-host.md 7.2"};
  const auto use = host.certificates.key_use(read->store, read->sha1);
  if (!use) {
    findings.failed(key, use.error());
  } else {
    findings.compare(*use == KeyUse::usable, key, name_of(*use));
  }
  if (read->origin == faults::ListenerCertificate::Origin::self_signed) check_self_signed(host, certificate, findings);
}

// The listener's own account and SYSTEM must have access; the other entries are compared with what this build ships.
void check_key_files(const HostView& host, Findings& findings) {
  const auto key = faults::read_rdp_key_file(host);
  const Assumption there{R"(key file of TSSecKeySet1 in RSA\MachineKeys)", "named MD5(container)_MachineGuid",
                         "measured.md K7, K8"};
  if (!key) return findings.failed(there, key.error());
  findings.compare(key->present, there, key->present ? key->file : "none");
  if (!key->present) return;
  const Assumption assumption{fmt::format("access list of {}", key->file),
                              "a plain file of SYSTEM's; the entries that this build ships", "measured.md K2"};
  if (!key->unknown.empty()) return findings.failed(assumption, Error{ErrorCode::denied, key->unknown, {}, {}});
  const auto& security = key->state.security;
  std::string found = key->state.plain ? "a plain file" : "a link";
  for (const auto& ace : key->missing) found += fmt::format("; missing {} {:#010x}", ace.sid(), ace.mask());
  for (const auto who : {sid::k_system, sid::k_network_service}) {
    if (key->denies(who)) found += fmt::format("; denied to {}", who);
  }
  found += fmt::format("; owner {}, {}", security.owner_sid(), security.dacl_protected() ? "protected" : "inheriting");
  const bool as_shipped = key->state.plain && key->missing.empty() && !key->denies(sid::k_system) &&
                          !key->denies(sid::k_network_service) && security.owner_sid() == sid::k_system;
  findings.compare(as_shipped, assumption, found);
}

}  // namespace

void check_certificates(const HostView& host, std::vector<Finding>& all) {
  Findings findings("certificates");
  check_store(host, k_remote_desktop_store, findings);
  check_store(host, k_my_store, findings);
  check_listener_certificate(host, findings);
  check_key_files(host, findings);
  append(all, std::move(findings));
}

}  // namespace rdpmend
