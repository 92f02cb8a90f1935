// The listener's certificate, its private key and the key's file, and who may write the certificate's store.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <iterator>

#include "agent-lib/events/ascii.hpp"
#include "agent-lib/faults/certificate/key_file.hpp"
#include "agent-lib/faults/certificate/listener_certificate.hpp"
#include "service/selftest/access_list.hpp"
#include "service/selftest/checks.hpp"

namespace rdpmend {

namespace {

using Days = std::chrono::duration<std::int64_t, std::ratio<86'400>>;

constexpr Days k_shortest_lifetime{150};
constexpr Days k_longest_lifetime{200};
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

void check_store(const HostView& host, std::string_view store, Checks& checks) {
  const Assumption assumption{fmt::format("LocalMachine store {}", store), "exists", "rdp-host.md 2.2, 7.2"};
  const auto list = host.certificates.list(store);
  if (!list) return checks.failed(assumption, list.error());
  checks.holds(assumption, fmt::format("{} certificates", list->size()));
}

void check_dates(const HostView& host, const Certificate& certificate, Checks& checks) {
  const auto lifetime = certificate.not_after - certificate.not_before;
  checks.compare(lifetime >= k_shortest_lifetime && lifetime <= k_longest_lifetime,
                 {"lifetime of the self-signed certificate", "about 6 months", "measured.md C10"},
                 fmt::format("{} days", in_days(lifetime)));
  const auto left = certificate.not_after - host.clock.now();
  checks.compare(left > Duration::zero(),
                 {"expiry of the self-signed certificate", "not expired: Windows replaces one that is",
                  "measured.md C2, C10: how long before is unmeasured"},
                 fmt::format("{} days left", in_days(left)));
}

bool is_rdp_container(std::string_view container) {
  for (int number = 1; number <= k_containers; ++number) {
    if (equals_ignoring_case(container, fmt::format("TSSecKeySet{}", number))) return true;
  }
  return false;
}

void check_self_signed(const HostView& host, const Certificate& certificate, Checks& checks) {
  check_dates(host, certificate, checks);
  checks.compare(is_rdp_container(certificate.key_container),
                 {"key container of the self-signed certificate", "TSSecKeySet1 to TSSecKeySet9", "rdp-host.md 2.5"},
                 certificate.key_container.empty() ? "none" : certificate.key_container);
  checks.compare(certificate.key_provider.starts_with("Microsoft Enhanced Cryptographic Provider"),
                 {"key provider of the self-signed certificate", "Microsoft Enhanced Cryptographic Provider v1.0",
                  "rdp-host.md 2.5"},
                 certificate.key_provider.empty() ? "none" : certificate.key_provider);
}

// Administrators may not read the key on a stock host (measured.md K2), so to them this is no difference.
void check_use(KeyUse use, const Assumption& assumption, Checks& checks) {
  if (use == KeyUse::denied) return checks.not_checked(assumption, name_of(use));
  checks.compare(use == KeyUse::usable, assumption, name_of(use));
}

void check_listener_certificate(const HostView& host, Checks& checks) {
  const Assumption assumption{"certificate of the listener", "registered by SHA-1, and in its store",
                              "rdp-host.md 2.3"};
  const auto read = faults::certificate::read_listener_certificate(host);
  if (!read) return checks.failed(assumption, read.error());
  if (read->sha1.empty()) return checks.differs(assumption, fmt::format("{} is empty", read->source));
  if (!read->certificate)
    return checks.differs(assumption,
                          fmt::format("{} is {}, which store {} does not hold", read->source, read->sha1, read->store));
  const auto& certificate = *read->certificate;
  checks.holds(assumption, fmt::format("{} = {}, {}", read->source, read->sha1, certificate.subject));
  checks.compare(certificate.server_authentication,
                 {"purpose of the certificate", "Server Authentication", "rdp-host.md 2.4"},
                 certificate.server_authentication ? "Server Authentication" : "not Server Authentication");

  const Assumption key{"private key of the certificate, used as this process", "usable", "rdp-host.md 7.2"};
  const auto use = host.certificates.key_use(read->store, read->sha1);
  if (!use) {
    checks.failed(key, use.error());
  } else {
    check_use(*use, key, checks);
  }
  if (read->origin == faults::certificate::ListenerCertificate::Origin::self_signed)
    check_self_signed(host, certificate, checks);
}

// What the file's access list differs in from what Windows of this build gives it. That is no fault by itself: only
// NETWORK SERVICE's entry is known to matter (measured.md K1, K2).
void check_access(const faults::certificate::RdpKeyFile& file, const Stock& known, Checks& checks) {
  const auto& row = known.host().listener_key_file();
  const auto& stock = row.security();
  const Assumption assumption{fmt::format("access list of {}", file.file), "a plain file; " + to_text(stock),
                              fmt::format("{}, build {}", who_says(row), known.host().build())};
  if (!file.unknown.empty()) return checks.not_checked(assumption, file.unknown);
  auto found = differences(stock, file.state.security);
  if (!file.state.plain) found.emplace_back("a link");
  checks.compare(found.empty(), assumption,
                 found.empty() ? to_text(file.state.security) : fmt::format("{}", fmt::join(found, "; ")));
}

std::optional<Stock> check_build(const Registry& registry, Checks& checks) {
  const auto build = windows_build(registry);
  const auto stock = assumed_stock(registry);
  const Assumption version{"build of Windows", "a number, by which access lists and services differ",
                           who_says(stock.host())};
  if (!build) {
    checks.failed(version, build.error());
    return std::nullopt;
  }
  if (!*build) {
    checks.differs(version, "CurrentBuildNumber does not say");
    return std::nullopt;
  }
  checks.holds(version, stock.known_exactly() ? std::to_string(**build)
                                              : fmt::format("{}, of which nothing is known: it is taken as {} ({})",
                                                            **build, stock.host().title(), stock.host().build()));
  return stock;
}

void check_key_file(const HostView& host, Checks& checks) {
  const Assumption there{R"(key file of TSSecKeySet1 in RSA\MachineKeys)", "named MD5(container)_MachineGuid",
                         "measured.md K7, K8"};
  const auto key = faults::certificate::read_rdp_key_file(host);
  if (!key) return checks.failed(there, key.error());
  checks.compare(key->present, there, key->present ? key->file : "none");
  const auto stock = check_build(host.registry, checks);
  if (stock && key->present) check_access(*key, *stock, checks);
}

constexpr std::uint32_t k_inherit_only = 0x08;  // INHERIT_ONLY_ACE: about subkeys, not about the key itself.
constexpr std::uint32_t k_write_key = 0x0006;   // KEY_SET_VALUE and KEY_CREATE_SUB_KEY.

// SYSTEM's token has Administrators and Everyone in it. A deny counts wherever it stands: whether Windows got to it
// depends on an order that hardening tools break (measured.md 0.1.3).
std::string refused_to_system(const v1::FileSecurity& security) {
  constexpr std::string_view k_in_token[] = {sid::k_system, sid::k_administrators, sid::k_everyone};
  if (security.dacl_absent()) return {};
  std::uint32_t granted = 0;
  for (const auto& ace : security.dacl()) {
    const bool about_system =
        std::find(std::begin(k_in_token), std::end(k_in_token), ace.sid()) != std::end(k_in_token);
    if (!about_system || (ace.flags() & k_inherit_only) != 0) continue;
    if (ace.type() == v1::Ace::TYPE_DENY && (ace.mask() & k_write_key) != 0) return to_text(ace);
    if (ace.type() == v1::Ace::TYPE_ALLOW) granted |= ace.mask();
  }
  return (granted & k_write_key) == k_write_key ? std::string() : "nothing lets SYSTEM write: " + to_text(security);
}

// A Deny for SYSTEM on either key keeps Windows from making a certificate (measured.md C4, C5).
void check_store_key(const HostView& host, const std::string& key, Checks& checks) {
  const Assumption assumption{
      "HKLM\\" + key, "SYSTEM may write, and nothing denies it",
      "measured.md C4; " + who_says(assumed_stock(host.registry).host().certificate_store_key())};
  const auto security = host.registry.security(key);
  if (!security) return checks.failed(assumption, security.error());
  if (!*security) return checks.not_here(assumption, "no such key; Windows makes it with the certificate");
  const auto refused = refused_to_system(**security);
  checks.compare(refused.empty(), assumption, refused.empty() ? to_text(**security) : refused);
}

}  // namespace

void check_certificates(const HostView& host, v1::SelfTestResponse& all) {
  Checks checks("certificates", all);
  check_store(host, k_remote_desktop_store, checks);
  check_store(host, k_my_store, checks);
  check_listener_certificate(host, checks);
  check_key_file(host, checks);
  const std::string store(registry_key::k_remote_desktop_store_key);
  check_store_key(host, store, checks);
  check_store_key(host, store + R"(\Certificates)", checks);
}

}  // namespace rdpmend
