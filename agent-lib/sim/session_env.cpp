// SessionEnv, the certificate manager: TermService only uses the certificate that this service makes.
// https://learn.microsoft.com/troubleshoot/windows-server/remote/remote-desktop-listener-certificate-configurations
#include <fmt/format.h>

#include "agent-lib/sim/consequences.hpp"

namespace rdpmend::sim {

namespace {

using namespace std::chrono_literals;
using std::chrono::days;

// Unproven: only a third party's analysis says when a pass comes and how long before the end it renews (measured.md
// C10).
constexpr Duration k_pass_interval = 12h;
constexpr Duration k_renew_before = days{30};
constexpr Duration k_lifetime = days{180};  // Six months (measured.md C10).
constexpr Duration k_between_requests = 1min;

Duration time_to_make(const World& world) {
  return world.options.real_time ? Duration{500ms} : Duration{2s};
}

bool needs_certificate(const World& world) {
  const auto* entry = listener_certificate(world);
  return !entry || entry->certificate.not_after - world.now() < k_renew_before;
}

bool is_disabled(const World& world, std::string_view service) {
  const auto* found = find_service(world, service);
  return !found || found->start_type == v1::SERVICE_START_TYPE_DISABLED;
}

// The old key is deleted first, and the new one kept in the same file. That a key set which cannot be opened cannot be
// deleted either is unproven; the one report of a cure moved its file aside (rdp-host.md 8.1 R-KEYSET, reports.md R1).
bool can_replace_key(const World& world) {
  const auto file = world.key_files.find(listener_key_file());
  if (file == world.key_files.end()) return true;
  if (file->second.key.private_der.empty()) return false;
  return has_access(file->second.security, sid::k_system, k_file_all_access);
}

// A Deny for SYSTEM on the store's key stops creation, wherever it stands in the list (measured.md C4, 0.1.3).
bool store_is_writable(const World& world) {
  for (const auto* key : {"", R"(\Certificates)"}) {
    const auto security = world.key_security.find(lower(std::string(registry_key::k_remote_desktop_store_key) + key));
    if (security == world.key_security.end()) continue;
    for (const auto& ace : security->second.dacl()) {
      if (ace.type() == v1::Ace::TYPE_DENY && ace.sid() == sid::k_system) return false;
    }
  }
  return true;
}

// A certificate without its key file cannot be renewed and stands in the way of a new one (measured.md C3).
bool orphan_in_the_way(const World& world) {
  return listener_certificate(world) && !world.key_files.contains(listener_key_file());
}

bool can_make_certificate(const World& world) {
  return !orphan_in_the_way(world) && can_make_key(world) &&
         find_value(world, registry_key::k_win_stations, "SelfSignedCertStore") && store_is_writable(world) &&
         can_replace_key(world);
}

// A real host writes the status in its own language, or as a reference to a message.
std::string_view status_text(const World& world) {
  if (orphan_in_the_way(world)) return "%%-2146893809";  // NTE_EXISTS
  constexpr std::string_view k_texts[] = {"%%-2147024891", "Access is denied.\r\n", "Zugriff verweigert\r\n",
                                          "Отказано в доступе.\r\n"};
  return k_texts[world.options.seed % std::size(k_texts)];
}

void log_failure(World& world) {
  const auto* existing = listener_certificate(world);
  if (!existing) {
    world.log.append(events::certificate_not_created(status_text(world)), world.now(), world.full_name);
    return;
  }
  world.log.append(events::certificate_not_replaced(status_text(world)), world.now(), world.full_name);
  const auto left = existing->certificate.not_after - world.now();
  if (left > Duration::zero()) {
    world.log.append(events::certificate_expires_soon(world.full_name, std::chrono::floor<days>(left).count(),
                                                      existing->certificate.sha1),
                     world.now(), world.full_name);
  }
}

// Whether a failed creation has deleted the old key by then is not known (rdp-host.md 8.4, review section 8 row 5): the
// scenario chooses.
void fail_to_make(World& world) {
  log_failure(world);
  if (world.failed_creation_takes_key && can_replace_key(world)) world.key_files.erase(listener_key_file());
}

void make_certificate(World& world) {
  if (!can_make_certificate(world)) return fail_to_make(world);
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
  return !world.creation_fails && !is_disabled(world, "CryptSvc") && !is_disabled(world, "KeyIso");
}

void schedule_renewal_passes(World& world, Duration first) {
  later_in_this_run(world, first, [](World& then) {
    renewal_pass(then);
    schedule_renewal_passes(then, k_pass_interval);
  });
}

void renewal_pass(World& world) {
  if (!needs_certificate(world)) return;
  if (!can_make_certificate(world)) return fail_to_make(world);
  later_in_this_run(world, time_to_make(world), [](World& then) {
    if (needs_certificate(then)) make_certificate(then);
  });
}

bool renewal_is_failing(const World& world) {
  return needs_certificate(world) && !can_make_certificate(world);
}

void request_certificate(World& world) {
  if (!is_running(world, service_name::k_session_env)) return;
  if (world.last_certificate_request && world.moment - *world.last_certificate_request < k_between_requests) return;
  world.last_certificate_request = world.moment;
  renewal_pass(world);
}

}  // namespace rdpmend::sim
