// A host of which nothing can be read but the time.
#pragma once

#include "agent-lib/host/host.hpp"

namespace rdpmend::test {

inline tl::unexpected<Error> access_denied() {
  return fail({ErrorCode::denied, "access is denied", {}, OsError{"win32", 5}});
}

class UnreadableHost {
 public:
  explicit UnreadableHost(const HostView& real) : identity_(real.identity), clock_(real.clock) {}

  HostView view() const {
    return {identity_,  clock_,    events_,   registry_, certificates_,
            key_files_, services_, firewall_, sessions_, listener_};
  }

 private:
  struct DeniedClock final : Clock {
    explicit DeniedClock(const Clock& real) : clock(real) {}
    WallTime now() const override { return clock.now(); }
    SteadyTime steady() const override { return clock.steady(); }
    Result<std::optional<TimeReference>> reference() const override { return access_denied(); }
    bool wait_for(Duration duration, std::stop_token stop) const override { return clock.wait_for(duration, stop); }
    const Clock& clock;
  };
  struct DeniedEvents final : EventChannels {
    Result<std::vector<std::string>> look_up(const EventLookup&) const override { return access_denied(); }
    Result<ChannelRecords> records(std::string_view) const override { return access_denied(); }
    Result<std::uint64_t> newest(const ChannelQuery&) const override { return access_denied(); }
    Result<std::unique_ptr<EventSubscription>> subscribe(const ChannelQuery&,
                                                         const std::optional<std::string>&) override {
      return access_denied();
    }
    void wait(std::stop_token, Duration) override {}
    void wake() override {}
  };
  struct DeniedRegistry final : Registry {
    Result<std::optional<RegistryValue>> value(std::string_view, std::string_view) const override {
      return access_denied();
    }
    Result<std::optional<v1::FileSecurity>> security(std::string_view) const override { return access_denied(); }
    Status set(std::string_view, std::string_view, const RegistryValue&) override { return access_denied(); }
    Status erase(std::string_view, std::string_view) override { return access_denied(); }
  };
  struct DeniedCertificates final : CertificateStores {
    Result<std::optional<Certificate>> find(std::string_view, std::string_view) const override {
      return access_denied();
    }
    Result<std::vector<Certificate>> list(std::string_view) const override { return access_denied(); }
    Result<KeyUse> key_use(std::string_view, std::string_view) const override { return access_denied(); }
    Status try_key() override { return access_denied(); }
    Status remove(std::string_view, std::string_view) override { return access_denied(); }
    Status add(std::string_view, const v1::CertificateCopy&) override { return access_denied(); }
  };
  struct DeniedKeyFiles final : KeyFiles {
    using Text = std::string_view;
    Result<std::optional<KeyFile>> find(Text, Text) const override { return access_denied(); }
    Status write_dacl(Text, Text, const v1::FileSecurity&) override { return access_denied(); }
    Status keep(Text, Text, Text) override { return access_denied(); }
    Status put_back(Text, Text, Text) override { return access_denied(); }
    Result<std::optional<KeyFile>> find_aside(Text) const override { return access_denied(); }
    Status move_aside(Text, Text, Text) override { return access_denied(); }
    Status move_back(Text, Text, Text) override { return access_denied(); }
  };
  struct DeniedServices final : Services {
    Result<std::optional<ServiceInfo>> find(std::string_view) const override { return access_denied(); }
    Status start(std::string_view, Duration) override { return access_denied(); }
    Status stop(std::string_view, Duration) override { return access_denied(); }
    Status set_start_type(std::string_view, v1::ServiceStartType) override { return access_denied(); }
  };
  struct DeniedFirewall final : Firewall {
    Result<FirewallStatus> status() const override { return access_denied(); }
    Result<std::vector<FirewallRule>> rules(std::string_view) const override { return access_denied(); }
    Result<std::vector<SecurityRuleText>> security_rules() const override { return access_denied(); }
    Status set_enabled(std::string_view, bool) override { return access_denied(); }
  };
  struct DeniedSessions final : Sessions {
    Result<std::vector<Session>> list() const override { return access_denied(); }
  };
  struct DeniedListener final : Listener {
    Result<ListenerState> state() const override { return access_denied(); }
    Result<v1::ProbeReport> probe(ProbeFrom, Duration) const override { return access_denied(); }
  };

  const HostIdentity& identity_;
  const DeniedClock clock_;
  const DeniedEvents events_;
  const DeniedRegistry registry_;
  const DeniedCertificates certificates_;
  const DeniedKeyFiles key_files_;
  const DeniedServices services_;
  const DeniedFirewall firewall_;
  const DeniedSessions sessions_;
  const DeniedListener listener_;
};

}  // namespace rdpmend::test
