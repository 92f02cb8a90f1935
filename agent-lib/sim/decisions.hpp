// What SessionEnv and TermService decide, over plain facts. The simulated host and the laboratory's doubles each look
// at their host in their own way, and then decide alike. Each decision names its row of the fact sheets, or is
// unproven.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "agent-lib/support/time.hpp"

namespace rdpmend::sim {

// --- SessionEnv, the certificate manager ---

// Unproven: only a third party's analysis says when a pass comes and how long before the end it renews, and nobody how
// often TermService's requests are heard (measured.md C10, 17.2).
inline constexpr Duration k_pass_interval = std::chrono::hours{12};
inline constexpr Duration k_renew_before = std::chrono::days{30};
inline constexpr Duration k_between_requests = std::chrono::minutes{1};
inline constexpr Duration k_lifetime = std::chrono::days{180};  // Six months (measured.md C10).

// What a pass finds.
struct CertificateFacts {
  std::optional<WallTime> not_after;  // Of the certificate that is registered and in its store; nullopt: there is none.
  bool key_file_there = false;        // That of the container TSSecKeySet1.
  bool key_file_replaceable = false;  // SYSTEM may do everything with it.
  bool store_named = false;           // SelfSignedCertStore is there.
  bool store_denied = false;          // An entry denies SYSTEM the store's registry key or the one below it.
  bool crypto_services_disabled = false;  // CryptSvc or KeyIso.
  bool creation_fails = false;            // For a reason of its own.
};

// One is missing (measured.md C1), expired (C2), or ends soon (unproven). Whether its key can be used is not asked: a
// valid certificate whose key NETWORK SERVICE may not read is never renewed (K1).
bool needs_certificate(const CertificateFacts& facts, WallTime now);
// A certificate without its key file cannot be renewed and stands in the way of a new one (measured.md C3).
bool is_orphaned(const CertificateFacts& facts);
// Whether a machine key for SYSTEM can be made at all (measured.md S2).
bool can_make_key(const CertificateFacts& facts);
// Besides: SelfSignedCertStore (rdp-host.md 2.2), no Deny for SYSTEM on the store's keys, wherever it stands in the
// list (measured.md C4, 0.1.3), and the old key's file, into which the new one comes (rdp-host.md 2.5). Unproven: that
// SYSTEM's own entry on that file is needed and SessionEnv's is not (measured.md 17.3).
bool can_make_certificate(const CertificateFacts& facts);

enum class Pass {
  nothing,       // None is needed.
  makes,         // Event 1056, once it is made; the old certificate goes.
  not_created,   // Event 1057: there was none.
  not_replaced,  // Event 1058.
};
Pass pass_over(const CertificateFacts& facts, WallTime now);

// Event 1052 beside 1058: that many days are left. nullopt: it has expired, or there is none.
std::optional<std::int64_t> days_left_to_tell(const CertificateFacts& facts, WallTime now);
// The status in 1057 and 1058 of an orphan, NTE_EXISTS: as a reference to a text, in no language (measured.md C3).
inline constexpr std::string_view k_object_exists = "%%-2146893809";

// Whether the old key is gone after a pass that failed. A third party's analysis says that it is deleted first
// (rdp-host.md 2.5); nobody has measured it, so whoever pretends to be the host chooses.
bool failure_takes_old_key(const CertificateFacts& facts, bool old_key_goes_first);

// --- TermService, the listener ---

// An absent fDenyTSConnections is not 0 (measured.md L1). fEnableWinStation: rdp-host.md 2.2.
bool wants_to_listen(std::optional<std::uint32_t> deny_connections, std::optional<std::uint32_t> enable_win_station);

// What TermService finds when a client comes.
struct CredentialFacts {
  bool certificate_there = false;  // The one that the registry names, in its store.
  bool key_readable = false;       // Its key's file is there, and NETWORK SERVICE may read it (measured.md K1).
  bool key_matches = false;        // It is this certificate's.
};
enum class CredentialState { usable, no_certificate, key_unusable };
// Dates are not asked: Schannel does not judge its own side's certificate. Unproven (rdp-host.md 8.4.3).
CredentialState credential_state(const CredentialFacts& facts);

// A client without a credential to show is dropped without a Connection Confirm (rdp-host.md 6.3), and the host logs
// why. RdpCoreTS 139 has this code: SEC_E_UNKNOWN_CREDENTIALS (rdp-host.md 1.7) or SEC_E_NO_CREDENTIALS (unproven).
std::string_view drop_code(CredentialState why);
// Schannel 36870 comes besides, when a key is there that cannot be used.
bool schannel_complains(CredentialState why);
inline constexpr Duration k_between_schannel_errors = std::chrono::seconds{1};  // Unproven.

// The pause since the last time is over.
template <class Time>
bool is_due(const std::optional<Time>& last, Time now, Duration pause) {
  return !last || now - *last >= pause;
}

}  // namespace rdpmend::sim
