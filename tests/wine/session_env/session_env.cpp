// SessionEnv, the certificate manager, for a machine without one. It decides as the simulated host does, by
// agent-lib/sim/decisions.hpp; here with a real store, registry, key container and service control manager.
#include <windows.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string_view>

#include "agent-lib/sim/decisions.hpp"
#include "agent-lib/sim/sim_events.hpp"
#include "tests/wine/lab/file_security.hpp"
#include "tests/wine/lab/lab_log.hpp"
#include "tests/wine/lab/lab_registry.hpp"
#include "tests/wine/lab/listener_certificate.hpp"
#include "tests/wine/lab/listener_key.hpp"
#include "tests/wine/lab/windows_service.hpp"

namespace rdpmend::lab {

namespace {

// A real host writes the status in its own language; this one speaks German.
constexpr std::string_view k_denied = "Zugriff verweigert\r\n";

Seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

bool store_denies_system() {
  constexpr const wchar_t* k_keys[] = {LR"(SOFTWARE\Microsoft\SystemCertificates\Remote Desktop)",
                                       LR"(SOFTWARE\Microsoft\SystemCertificates\Remote Desktop\Certificates)"};
  return std::any_of(std::begin(k_keys), std::end(k_keys), denies_system);
}

sim::CertificateFacts facts_of(const std::optional<ListenerCertificate>& existing) {
  sim::CertificateFacts facts;
  if (existing) facts.not_after = existing->not_after;
  facts.key_file_there = listener_key_is_there();
  facts.key_file_replaceable = facts.key_file_there && may_replace_listener_key();
  const auto key = RegistryKey::open(k_win_stations);
  facts.store_named = key && key->text(L"SelfSignedCertStore");
  facts.store_denied = store_denies_system();
  facts.crypto_services_disabled = service_is_disabled(L"CryptSvc") || service_is_disabled(L"KeyIso");
  facts.creation_fails = behaves(k_creation_fails);
  return facts;
}

void fail_to_make(const std::optional<ListenerCertificate>& existing, const sim::CertificateFacts& facts) {
  const auto status = sim::is_orphaned(facts) ? sim::k_object_exists : k_denied;
  log_event(existing ? sim::events::certificate_not_replaced(status) : sim::events::certificate_not_created(status));
  if (const auto days = sim::days_left_to_tell(facts, now()))
    log_event(sim::events::certificate_expires_soon(full_computer_name(), *days, hex(existing->sha1)));
  if (sim::failure_takes_old_key(facts, behaves(k_failure_takes_key))) remove_listener_key();
}

void renewal_pass() {
  const auto existing = find_self_signed_certificate();
  const auto facts = facts_of(existing);
  const auto pass = sim::pass_over(facts, now());
  if (pass == sim::Pass::nothing) return;
  if (pass != sim::Pass::makes) return fail_to_make(existing, facts);
  const auto lifetime = std::chrono::duration_cast<std::chrono::seconds>(sim::k_lifetime);
  const auto made = make_self_signed_certificate(now(), now() + lifetime);
  if (existing) remove_self_signed_certificate(existing->sha1);
  log_event(sim::events::certificate_created(full_computer_name(), hex(made.sha1)));
}

// A pass at the start, in intervals, and when TermService lacks a certificate.
void run(HANDLE stop) {
  const HANDLE requested = CreateEventW(nullptr, FALSE, FALSE, L"Local\\TS Certificate Update Event");
  const HANDLE events[] = {stop, requested};
  constexpr auto k_interval = std::chrono::duration_cast<std::chrono::milliseconds>(sim::k_pass_interval);
  do renewal_pass();
  while (WaitForMultipleObjects(2, events, FALSE, static_cast<DWORD>(k_interval.count())) != WAIT_OBJECT_0);
  CloseHandle(requested);
}

}  // namespace

}  // namespace rdpmend::lab

int main() {
  rdpmend::lab::keep_file_security(rdpmend::lab::Account::system);
  return rdpmend::lab::run_service(L"SessionEnv", rdpmend::lab::run);
}
