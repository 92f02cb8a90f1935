// SessionEnv, the certificate manager, for a machine without one. Its behaviour, with sources, is that of
// agent-lib/sim/session_env.cpp; here with a real store, registry, key container and service control manager.
#include <windows.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string_view>

#include "agent-lib/sim/sim_events.hpp"
#include "tests/wine/lab/file_security.hpp"
#include "tests/wine/lab/lab_log.hpp"
#include "tests/wine/lab/lab_registry.hpp"
#include "tests/wine/lab/listener_certificate.hpp"
#include "tests/wine/lab/listener_key.hpp"
#include "tests/wine/lab/windows_service.hpp"

namespace rdpmend::lab {

namespace {

using std::chrono::days;

constexpr days k_renew_before{30};
constexpr days k_lifetime{180};
constexpr DWORD k_pass_interval_ms = 12u * 60 * 60 * 1000;

// A real host writes the status in its own language; this one speaks German.
constexpr std::string_view k_denied = "Zugriff verweigert\r\n";

Seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

bool needs_certificate(const std::optional<ListenerCertificate>& existing) {
  return !existing || existing->not_after - now() < k_renew_before;
}

// A Deny for SYSTEM on the store's key stops creation, wherever it stands in the list (measured.md C4, 0.1.3).
bool store_denies_system() {
  constexpr const wchar_t* k_keys[] = {LR"(SOFTWARE\Microsoft\SystemCertificates\Remote Desktop)",
                                       LR"(SOFTWARE\Microsoft\SystemCertificates\Remote Desktop\Certificates)"};
  return std::any_of(std::begin(k_keys), std::end(k_keys), denies_system);
}

// The old key goes first, and the new one comes into the same file. SYSTEM's own access is what is needed; that of
// SessionEnv's service SID is not (unmeasured, measured.md 17.3: the answer that is harder for who repairs).
bool can_make_certificate() {
  const auto key = RegistryKey::open(k_win_stations);
  return key && key->text(L"SelfSignedCertStore") && !service_is_disabled(L"CryptSvc") &&
         !service_is_disabled(L"KeyIso") && !store_denies_system() && may_replace_listener_key() &&
         !behaves(k_creation_fails);
}

void log_failure(const std::optional<ListenerCertificate>& existing) {
  if (!existing) return log_event(sim::events::certificate_not_created(k_denied));
  log_event(sim::events::certificate_not_replaced(k_denied));
  const auto left = std::chrono::floor<days>(existing->not_after - now());
  if (left.count() >= 0) {
    log_event(sim::events::certificate_expires_soon(full_computer_name(), left.count(), hex(existing->sha1)));
  }
}

void renewal_pass() {
  const auto existing = find_self_signed_certificate();
  if (!needs_certificate(existing)) return;
  if (!can_make_certificate()) {
    // By a third party's analysis the old key is deleted before a new one is made; whether it survives a failure nobody
    // has measured. Here it survives that of a replacement.
    if (!existing && behaves(k_failure_takes_key)) remove_listener_key();
    return log_failure(existing);
  }
  const auto made = make_self_signed_certificate(now(), now() + k_lifetime);
  if (existing) remove_self_signed_certificate(existing->sha1);
  log_event(sim::events::certificate_created(full_computer_name(), hex(made.sha1)));
}

// A pass at the start, every 12 hours, and when TermService lacks a certificate.
void run(HANDLE stop) {
  const HANDLE requested = CreateEventW(nullptr, FALSE, FALSE, L"Local\\TS Certificate Update Event");
  const HANDLE events[] = {stop, requested};
  do renewal_pass();
  while (WaitForMultipleObjects(2, events, FALSE, k_pass_interval_ms) != WAIT_OBJECT_0);
  CloseHandle(requested);
}

}  // namespace

}  // namespace rdpmend::lab

int main() {
  rdpmend::lab::keep_file_security(rdpmend::lab::Account::system);
  return rdpmend::lab::run_service(L"SessionEnv", rdpmend::lab::run);
}
