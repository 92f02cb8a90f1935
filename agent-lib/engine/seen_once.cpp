#include "agent-lib/engine/seen_once.hpp"

namespace rdpmend {

namespace {

using Text = std::string;

// A HostView cannot call what changes the host; the ports have it all the same.
tl::unexpected<Error> reads_only() {
  return fail(ErrorCode::internal, "a look at the host changes nothing");
}

}  // namespace

SeenOnce::SeenOnce(const HostView& host)
    : clock_(host.clock),
      registry_(host.registry),
      certificates_(host.certificates),
      key_files_(host.key_files),
      services_(host.services),
      firewall_(host.firewall),
      sessions_(host.sessions),
      listener_(host.listener),
      view_{host.identity, clock_,    host.events, registry_, certificates_,
            key_files_,    services_, firewall_,   sessions_, listener_} {}

Result<std::optional<TimeReference>> SeenOnce::SeenClock::reference() const {
  return reference_.once([&] { return clock_.reference(); });
}

Result<std::optional<RegistryValue>> SeenOnce::SeenRegistry::value(std::string_view key, std::string_view name) const {
  return values_.once([&] { return registry_.value(key, name); }, Text(key), Text(name));
}
Result<std::optional<v1::FileSecurity>> SeenOnce::SeenRegistry::security(std::string_view key) const {
  return securities_.once([&] { return registry_.security(key); }, Text(key));
}
Status SeenOnce::SeenRegistry::set(std::string_view, std::string_view, const RegistryValue&) {
  return reads_only();
}
Status SeenOnce::SeenRegistry::erase(std::string_view, std::string_view) {
  return reads_only();
}

Result<std::optional<Certificate>> SeenOnce::SeenCertificates::find(std::string_view store,
                                                                    std::string_view sha1) const {
  return certificates_.once([&] { return stores_.find(store, sha1); }, Text(store), Text(sha1));
}
Result<std::vector<Certificate>> SeenOnce::SeenCertificates::list(std::string_view store) const {
  return lists_.once([&] { return stores_.list(store); }, Text(store));
}
Result<KeyUse> SeenOnce::SeenCertificates::key_use(std::string_view store, std::string_view sha1) const {
  return uses_.once([&] { return stores_.key_use(store, sha1); }, Text(store), Text(sha1));
}
Status SeenOnce::SeenCertificates::try_key() {
  return reads_only();
}
Status SeenOnce::SeenCertificates::remove(std::string_view, std::string_view) {
  return reads_only();
}
Status SeenOnce::SeenCertificates::add(std::string_view, const v1::CertificateCopy&) {
  return reads_only();
}

Result<std::optional<KeyFile>> SeenOnce::SeenKeyFiles::find(std::string_view folder, std::string_view file) const {
  return found_.once([&] { return files_.find(folder, file); }, Text(folder), Text(file));
}
Status SeenOnce::SeenKeyFiles::write_dacl(std::string_view, std::string_view, const v1::FileSecurity&) {
  return reads_only();
}
Status SeenOnce::SeenKeyFiles::keep(std::string_view, std::string_view, std::string_view) {
  return reads_only();
}
Status SeenOnce::SeenKeyFiles::put_back(std::string_view, std::string_view, std::string_view) {
  return reads_only();
}
Result<std::optional<KeyFile>> SeenOnce::SeenKeyFiles::find_aside(std::string_view aside) const {
  return aside_.once([&] { return files_.find_aside(aside); }, Text(aside));
}
Status SeenOnce::SeenKeyFiles::move_aside(std::string_view, std::string_view, std::string_view) {
  return reads_only();
}
Status SeenOnce::SeenKeyFiles::move_back(std::string_view, std::string_view, std::string_view) {
  return reads_only();
}

Result<std::optional<ServiceInfo>> SeenOnce::SeenServices::find(std::string_view name) const {
  return found_.once([&] { return services_.find(name); }, Text(name));
}
Status SeenOnce::SeenServices::start(std::string_view, Duration) {
  return reads_only();
}
Status SeenOnce::SeenServices::stop(std::string_view, Duration) {
  return reads_only();
}
Status SeenOnce::SeenServices::set_start_type(std::string_view, v1::ServiceStartType) {
  return reads_only();
}

Result<FirewallStatus> SeenOnce::SeenFirewall::status() const {
  return status_.once([&] { return firewall_.status(); });
}
Result<std::vector<FirewallRule>> SeenOnce::SeenFirewall::rules(std::string_view group) const {
  return rules_.once([&] { return firewall_.rules(group); }, Text(group));
}
Result<std::vector<SecurityRuleText>> SeenOnce::SeenFirewall::security_rules() const {
  return security_rules_.once([&] { return firewall_.security_rules(); });
}
Status SeenOnce::SeenFirewall::set_enabled(std::string_view, bool) {
  return reads_only();
}

Result<std::vector<Session>> SeenOnce::SeenSessions::list() const {
  return list_.once([&] { return sessions_.list(); });
}

Result<ListenerState> SeenOnce::SeenListener::state() const {
  return state_.once([&] { return listener_.state(); });
}
Result<v1::ProbeReport> SeenOnce::SeenListener::probe(ProbeFrom from, Duration deadline) const {
  return probes_.once([&] { return listener_.probe(from, deadline); }, from);
}

}  // namespace rdpmend
