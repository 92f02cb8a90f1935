// The ports of the simulated host: each asks or changes the host inside sim_machine, and nothing else.
#pragma once

#include <mutex>

#include "agent-lib/host/host.hpp"
#include "agent-lib/sim/sim_machine.hpp"

namespace rdpmend::sim {

class ClockPort final : public Clock {
 public:
  explicit ClockPort(SimMachine& machine) : machine_(machine) {}
  WallTime now() const override;
  SteadyTime steady() const override;
  Result<std::optional<TimeReference>> reference() const override;
  bool wait_for(Duration duration, std::stop_token stop) const override;

 private:
  SimMachine& machine_;
};

// The query of a subscription is coarse by contract, so all events of the channel are given.
class EventChannelsPort final : public EventChannels {
 public:
  explicit EventChannelsPort(SimMachine& machine) : machine_(machine) {}
  Result<std::vector<std::string>> look_up(const EventLookup& what) const override;
  Result<ChannelRecords> records(std::string_view channel) const override;
  Result<std::uint64_t> newest(const ChannelQuery& query) const override;
  Result<std::unique_ptr<EventSubscription>> subscribe(const ChannelQuery& query,
                                                       const std::optional<std::string>& bookmark) override;
  void wait(std::stop_token stop, Duration at_most) override;
  void wake() override;

  // Where a subscription is, by channel; shared with wait().
  struct Cursor {
    std::string channel;
    std::uint64_t last_id = 0;  // Read, or passed over.
    std::uint64_t born = 0;     // The channel's deaths until then.
    bool gap = false;           // Before the next batch.
    bool failed = false;        // Events were passed over; it is of no use any more.
    bool is_dead(const EventLog::Channel& in) const;
  };

 private:
  bool has_news(const World& world);  // Inside.

  SimMachine& machine_;
  std::vector<std::weak_ptr<Cursor>> cursors_;  // Inside.
  bool woken_ = false;                          // Inside.
};

class RegistryPort final : public Registry {
 public:
  explicit RegistryPort(SimMachine& machine) : machine_(machine) {}
  Result<std::optional<RegistryValue>> value(std::string_view key, std::string_view name) const override;
  Result<std::optional<v1::FileSecurity>> security(std::string_view key) const override;
  Status set(std::string_view key, std::string_view name, const RegistryValue& value) override;
  Status erase(std::string_view key, std::string_view name) override;

 private:
  Status change(std::string_view doing, std::string_view key, std::string_view name,
                std::optional<RegistryValue> value);

  SimMachine& machine_;
};

class CertificateStoresPort final : public CertificateStores {
 public:
  explicit CertificateStoresPort(SimMachine& machine) : machine_(machine) {}
  Result<std::optional<Certificate>> find(std::string_view store, std::string_view sha1) const override;
  Result<std::vector<Certificate>> list(std::string_view store) const override;
  Result<KeyUse> key_use(std::string_view store, std::string_view sha1) const override;
  Status try_key() override;
  Status remove(std::string_view store, std::string_view sha1) override;
  Status add(std::string_view store, const v1::CertificateCopy& copy) override;

 private:
  SimMachine& machine_;
};

class KeyFilesPort final : public KeyFiles {
 public:
  explicit KeyFilesPort(SimMachine& machine) : machine_(machine) {}
  Result<std::optional<KeyFile>> find(std::string_view folder, std::string_view file) const override;
  Status write_dacl(std::string_view folder, std::string_view file, const v1::FileSecurity& security) override;
  Status keep(std::string_view folder, std::string_view file, std::string_view kept) override;
  Status put_back(std::string_view kept, std::string_view folder, std::string_view file) override;
  Result<std::optional<KeyFile>> find_aside(std::string_view aside) const override;
  Status move_aside(std::string_view folder, std::string_view file, std::string_view aside) override;
  Status move_back(std::string_view aside, std::string_view folder, std::string_view file) override;

 private:
  SimMachine& machine_;
};

class ServicesPort final : public Services {
 public:
  explicit ServicesPort(SimMachine& machine) : machine_(machine) {}
  Result<std::optional<ServiceInfo>> find(std::string_view name) const override;
  Status start(std::string_view name, Duration deadline) override;
  Status stop(std::string_view name, Duration deadline) override;
  Status set_start_type(std::string_view name, v1::ServiceStartType type) override;

 private:
  SimMachine& machine_;
};

class FirewallPort final : public Firewall {
 public:
  explicit FirewallPort(SimMachine& machine) : machine_(machine) {}
  Result<FirewallStatus> status() const override;
  Result<std::vector<FirewallRule>> rules(std::string_view group) const override;
  Result<std::vector<SecurityRuleText>> security_rules() const override;
  Status set_enabled(std::string_view rule_id, bool enabled) override;

 private:
  SimMachine& machine_;
};

class SessionsPort final : public Sessions {
 public:
  explicit SessionsPort(SimMachine& machine) : machine_(machine) {}
  Result<std::vector<Session>> list() const override;

 private:
  SimMachine& machine_;
};

class ListenerPort final : public Listener {
 public:
  explicit ListenerPort(SimMachine& machine) : machine_(machine) {}
  Result<ListenerState> state() const override;
  Result<v1::ProbeReport> probe(ProbeFrom from, Duration deadline) const override;
  // From now on probes go through real sockets.
  void set_address(std::string loopback, std::string own, std::uint16_t port);

 private:
  struct Address {
    std::string loopback, own;
    std::uint16_t port = 0;
  };
  std::optional<Address> address() const;

  SimMachine& machine_;
  mutable std::mutex probing_;
  mutable std::mutex mutex_;
  std::optional<Address> address_;
};

}  // namespace rdpmend::sim
