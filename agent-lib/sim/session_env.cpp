// SessionEnv, the certificate manager: TermService only uses the certificate that this service makes. What it decides
// stands in decisions.hpp.
// https://learn.microsoft.com/troubleshoot/windows-server/remote/remote-desktop-listener-certificate-configurations
#include <iterator>

#include "agent-lib/sim/consequences.hpp"
#include "agent-lib/sim/decisions.hpp"

namespace rdpmend::sim {

namespace {

using namespace std::chrono_literals;

Duration time_to_make(const World& world) {
  return world.options.real_time ? Duration{500ms} : Duration{2s};
}

bool is_disabled(const World& world, std::string_view service) {
  const auto* found = find_service(world, service);
  return !found || found->start_type == v1::SERVICE_START_TYPE_DISABLED;
}

bool store_is_denied(const World& world) {
  for (const auto* key : {"", R"(\Certificates)"}) {
    const auto security = world.key_security.find(lower(std::string(registry_key::k_remote_desktop_store_key) + key));
    if (security != world.key_security.end() && denied_mask(security->second, sid::k_system) != 0) return true;
  }
  return false;
}

CertificateFacts facts_of(const World& world) {
  CertificateFacts facts;
  if (const auto* entry = listener_certificate(world)) facts.not_after = entry->certificate.not_after;
  const auto file = world.key_files.find(listener_key_file());
  facts.key_file_there = file != world.key_files.end();
  // That a key set which does not open cannot be deleted either is unproven; the one report of a cure moved its file
  // aside (rdp-host.md 8.1 R-KEYSET, reports.md R1).
  facts.key_file_replaceable = facts.key_file_there && !file->second.key.private_der.empty() &&
                               has_access(file->second.security, sid::k_system, k_file_all_access);
  facts.store_named = find_value(world, registry_key::k_win_stations, "SelfSignedCertStore") != nullptr;
  facts.store_denied = store_is_denied(world);
  facts.crypto_services_disabled = is_disabled(world, "CryptSvc") || is_disabled(world, "KeyIso");
  facts.creation_fails = world.creation_fails;
  return facts;
}

// A real host writes the status in its own language, or as a reference to a message.
std::string_view status_text(const World& world, const CertificateFacts& facts) {
  if (is_orphaned(facts)) return k_object_exists;
  constexpr std::string_view k_texts[] = {"%%-2147024891", "Access is denied.\r\n", "Zugriff verweigert\r\n",
                                          "Отказано в доступе.\r\n"};
  return k_texts[world.options.seed % std::size(k_texts)];
}

void fail_to_make(World& world, const CertificateFacts& facts) {
  const auto log = [&](const SimEvent& event) { world.log.append(event, world.now(), world.full_name); };
  const auto status = status_text(world, facts);
  ++world.certificate_passes;
  log(facts.not_after ? events::certificate_not_replaced(status) : events::certificate_not_created(status));
  if (const auto days = days_left_to_tell(facts, world.now())) {
    log(events::certificate_expires_soon(world.full_name, *days, listener_certificate(world)->certificate.sha1));
  }
  if (failure_takes_old_key(facts, world.failed_creation_takes_key)) world.key_files.erase(listener_key_file());
}

void make_certificate(World& world) {
  ++world.certificate_passes;
  const auto* old = listener_certificate(world);
  const auto old_sha1 = old ? old->certificate.sha1 : std::string();
  const auto made = install_certificate(world, world.now(), world.now() + k_lifetime);
  if (!old_sha1.empty()) world.stores[std::string(k_remote_desktop_store)].erase(old_sha1);
  world.log.append(events::certificate_created(world.full_name, made.sha1), world.now(), world.full_name);
}

// Runs `what` then, if SessionEnv has not been stopped in between.
void later_in_this_run(World& world, Duration after, Consequence what) {
  const auto instance = find_service(world, service_name::k_session_env)->instance;
  world.later(after, [instance, what = std::move(what)](World& then) {
    const auto& service = *find_service(then, service_name::k_session_env);
    if (service.run == ServiceRun::running && service.instance == instance) what(then);
  });
}

}  // namespace

bool can_make_key(const World& world) {
  return can_make_key(facts_of(world));
}

void schedule_renewal_passes(World& world, Duration first) {
  later_in_this_run(world, first, [](World& then) {
    renewal_pass(then);
    schedule_renewal_passes(then, k_pass_interval);
  });
}

void renewal_pass(World& world) {
  const auto facts = facts_of(world);
  const auto pass = pass_over(facts, world.now());
  if (pass == Pass::nothing) return;
  if (pass != Pass::makes) return fail_to_make(world, facts);
  later_in_this_run(world, time_to_make(world), [](World& then) {
    const auto facts_then = facts_of(then);
    const auto pass_then = pass_over(facts_then, then.now());
    if (pass_then == Pass::makes) return make_certificate(then);
    if (pass_then != Pass::nothing) fail_to_make(then, facts_then);
  });
}

bool renewal_is_failing(const World& world) {
  const auto pass = pass_over(facts_of(world), world.now());
  return pass == Pass::not_created || pass == Pass::not_replaced;
}

void request_certificate(World& world) {
  if (!is_running(world, service_name::k_session_env)) return;
  if (!is_due(world.last_certificate_request, world.moment, k_between_requests)) return;
  world.last_certificate_request = world.moment;
  renewal_pass(world);
}

}  // namespace rdpmend::sim
