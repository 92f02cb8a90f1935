// A change of the host by somebody else: what a scenario or a drill says, done with everything that follows from it.
#include <algorithm>
#include <memory>
#include <utility>

#include "agent-lib/sim/consequences.hpp"

namespace rdpmend::sim {

namespace {

using std::chrono::days;

constexpr std::string_view k_culprit = R"(C:\Windows\System32\netsh.exe)";

void remove_listener_certificate(World& world) {
  world.stores[std::string(k_remote_desktop_store)].erase(registered_certificate(world));
  erase_value(world, registry_key::k_win_stations, "SelfSignedCertificate");
}

void remove_key_reader(World& world, const std::string& sid) {
  const auto file = world.key_files.find(listener_key_file());
  if (file == world.key_files.end()) return;
  auto& dacl = *file->second.security.mutable_dacl();
  dacl.erase(std::remove_if(dacl.begin(), dacl.end(), [&](const v1::Ace& ace) { return ace.sid() == sid; }),
             dacl.end());
}

v1::Ace deny(std::string_view sid, std::uint32_t mask) {
  auto ace = allow(sid, mask);
  ace.set_type(v1::Ace::TYPE_DENY);
  return ace;
}

// Hardening tools write a Deny behind what is there (measured.md 0.1).
void deny_key_reader(World& world, const std::string& sid) {
  const auto file = world.key_files.find(listener_key_file());
  if (file != world.key_files.end()) *file->second.security.add_dacl() = deny(sid, k_file_generic_read);
}

void damage_key(World& world) {
  const auto file = world.key_files.find(listener_key_file());
  if (file != world.key_files.end()) file->second.key.private_der.clear();
}

void deny_store(World& world) {
  constexpr std::uint32_t k_set_value_and_create_subkey = 0x6;
  *world.key_security[lower(registry_key::k_remote_desktop_store_key)].add_dacl() =
      deny(sid::k_system, k_set_value_and_create_subkey);
}

void apply(World& world, const v1::SimCertificate& change) {
  if (change.has_expires_in() || change.has_valid_since()) {
    const Duration since = change.has_valid_since() ? from_proto(change.valid_since()) : days{60};
    const Duration left = change.has_expires_in() ? from_proto(change.expires_in()) : days{120};
    remove_listener_certificate(world);
    install_certificate(world, world.now() - since, world.now() + left);
  }
  if (change.absent()) remove_listener_certificate(world);
  if (change.key_missing()) world.key_files.erase(listener_key_file());
  if (change.key_damaged()) damage_key(world);
  for (const auto& sid : change.key_readers_removed()) remove_key_reader(world, sid);
  for (const auto& sid : change.key_readers_denied()) deny_key_reader(world, sid);
  world.creation_fails = change.creation_fails();
  if (change.store_denied()) deny_store(world);
}

void stop_with_dependents(World& world, const std::string& name) {
  for (const auto& dependent : running_dependents(world, name)) stop_with_dependents(world, dependent);
  (void)stop_service(world, name);  // A service that hangs stays as it is: that is the scenario.
}

void apply(World& world, const v1::SimService& change) {
  auto* service = find_service(world, change.name());
  if (!service) return;
  if (change.has_running() && change.running()) (void)start_service(world, change.name());
  service->refuses_to_start = change.refuses_to_start();
  service->hangs_on_stop = change.hangs_on_stop();
  service->returns_by_trigger = change.returns_by_trigger();
  if (change.has_running() && !change.running()) stop_with_dependents(world, change.name());
  if (change.start_type() != v1::SERVICE_START_TYPE_UNSPECIFIED) set_start_type(world, *service, change.start_type());
}

void delete_rule(World& world, const FirewallRule& rule) {
  world.log.append(events::firewall_rule(events::RuleChange::deleted, rule, k_culprit), world.now(), world.full_name);
  std::erase_if(world.firewall.rules, [id = rule.id, by_policy = rule.by_policy](const auto& other) {
    return other.id == id && other.by_policy == by_policy;
  });
}

// A Group Policy brings a rule of its own beside the local one.
FirewallRule& rule_to_change(World& world, const v1::SimFirewallRule& change) {
  if (auto* rule = find_rule(world, change.rule_id(), change.by_policy())) return *rule;
  FirewallRule added;
  if (const auto* local = find_rule(world, change.rule_id(), false)) {
    added = *local;
  } else {
    added.id = change.rule_id();
    added.group = k_remote_desktop_group;
    added.local_ports = std::to_string(world.listening_on);
    added.remote_addresses = "*";
  }
  added.by_policy = change.by_policy();
  return world.firewall.rules.emplace_back(std::move(added));
}

void apply(World& world, const v1::SimFirewallRule& change) {
  if (change.absent()) {
    if (const auto* rule = find_rule(world, change.rule_id(), change.by_policy()))
      delete_rule(world, FirewallRule(*rule));
    return;
  }
  auto& rule = rule_to_change(world, change);
  rule.enabled = !change.has_enabled() || change.enabled();
  rule.allow = !change.block();
  if (change.profiles() != 0) rule.profiles = change.profiles();
  if (!rule.by_policy) log_rule_change(world, rule, k_culprit);
}

void apply(World& world, const v1::SimConSecRule& change) {
  auto& rules = world.firewall.security_rules;
  std::erase_if(rules, [&](const SecurityRuleText& rule) {
    return rule.id == change.rule_id() && rule.by_policy == change.by_policy();
  });
  if (!change.absent()) rules.push_back({change.rule_id(), change.text(), change.by_policy()});
}

void apply_interfaces(FirewallStatus& status, const v1::SimFirewall& change) {
  if (change.interfaces().empty()) return;
  status.interfaces.clear();
  status.active_profiles = 0;
  for (const auto& each : change.interfaces()) {
    status.interfaces.push_back(
        {each.name(), {each.addresses().begin(), each.addresses().end()}, each.profile(), each.carries_clients()});
    status.active_profiles |= each.profile();
  }
}

void apply(World& world, const v1::SimFirewall& change) {
  for (const auto& rule : change.rules()) apply(world, rule);
  for (const auto& rule : change.con_sec_rules()) apply(world, rule);
  auto& status = world.firewall.status;
  apply_interfaces(status, change);
  status.block_all_inbound = change.block_all_profiles() | (change.block_all_inbound() ? status.active_profiles : 0);
  status.local_rules_ignored = change.policy_override() ? status.active_profiles : 0;
  const bool blocked = (status.block_all_inbound & status.active_profiles) != 0;
  status.modify = change.policy_override() ? LocalPolicyModify::policy_override
                  : blocked                ? LocalPolicyModify::inbound_blocked
                                           : LocalPolicyModify::ok;
}

void apply(World& world, const v1::SimClock& change) {
  world.has_reference = !change.no_reference();
  const auto before = world.now();
  world.clock_offset = change.has_offset() ? from_proto(change.offset()) : Duration::zero();
  if (change.has_up_for()) world.up_before = from_proto(change.up_for()) - world.moment;
  if (world.now() != before) world.log.append(events::clock_changed(before, world.now()), world.now(), world.full_name);
}

void apply(World& world, const v1::SimEventLog& change) {
  world.log.apply(change);
  auto& service = *find_service(world, service_name::k_event_log);
  if (!change.restarts() || service.run != ServiceRun::running) return;
  service.pid += 4;  // As after a kill, or Restart-Service: another process at once.
  service.started_at = world.moment;
  ++service.instance;
}

void log_told(World& world, std::shared_ptr<const v1::SimEvent> event, std::size_t times) {
  const auto spacing = from_proto(event->spacing());
  do {
    world.log.append(events::told(*event), world.now(), world.full_name);
  } while (--times > 0 && spacing <= Duration::zero());
  if (times == 0) return;
  world.later(spacing, [event = std::move(event), times](World& then) { log_told(then, event, times); });
}

void apply(World& world, const v1::SimEvent& change) {
  log_told(world, std::make_shared<const v1::SimEvent>(change),
           std::clamp<std::size_t>(change.times(), 1, EventLog::k_max_records));
}

void apply(World& world, const v1::SimRegistryValue& change) {
  constexpr std::string_view k_hive = "HKLM\\";
  const auto key = std::string_view(change.key()).substr(change.key().starts_with(k_hive) ? k_hive.size() : 0);
  switch (change.data_case()) {
    case v1::SimRegistryValue::kDword: return set_value(world, key, change.name(), change.dword());
    case v1::SimRegistryValue::kText: return set_value(world, key, change.name(), change.text());
    case v1::SimRegistryValue::kBinary:
      return set_value(world, key, change.name(), RegistryBinary(change.binary().begin(), change.binary().end()));
    default: return erase_value(world, key, change.name());
  }
}

}  // namespace

void apply_change(World& world, const v1::SimChange& change) {
  if (change.has_clock()) apply(world, change.clock());
  for (const auto& value : change.registry()) apply(world, value);
  if (change.has_certificate()) apply(world, change.certificate());
  for (const auto& service : change.services()) apply(world, service);
  if (change.has_firewall()) apply(world, change.firewall());
  if (change.has_event_log()) apply(world, change.event_log());
  if (!change.story().empty()) world.stories.push_back(change.story());
  follow_listener(world);
  if (change.client_connects()) client_connects(world);
  for (const auto& event : change.events()) apply(world, event);
}

}  // namespace rdpmend::sim
