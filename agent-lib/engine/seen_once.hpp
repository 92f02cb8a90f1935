// A host of which each question is asked once: what one look has seen is one picture, whoever reads it, and the
// fiftieth fault costs the host no second handshake.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "agent-lib/host/host.hpp"

namespace rdpmend {

// The answers to one kind of question, errors among them.
template <class Answer, class... Question>
class Answers {
 public:
  template <class Ask>
  const Answer& once(Ask&& ask, Question... question) {
    std::tuple<Question...> key(std::move(question)...);
    auto known = answers_.find(key);
    if (known == answers_.end()) known = answers_.emplace(std::move(key), std::forward<Ask>(ask)()).first;
    return known->second;
  }

 private:
  std::map<std::tuple<Question...>, Answer> answers_;
};

// For one look, on one thread, over ports that outlive it. The clock goes on; only its reference is asked once.
class SeenOnce {
 public:
  explicit SeenOnce(const HostView& host);
  SeenOnce(const SeenOnce&) = delete;
  SeenOnce& operator=(const SeenOnce&) = delete;

  const HostView& view() const { return view_; }

 private:
  class SeenClock final : public Clock {
   public:
    explicit SeenClock(const Clock& clock) : clock_(clock) {}
    WallTime now() const override { return clock_.now(); }
    SteadyTime steady() const override { return clock_.steady(); }
    Duration utc_offset() const override { return clock_.utc_offset(); }
    Result<std::optional<TimeReference>> reference() const override;
    bool wait_for(Duration duration, std::stop_token stop) const override { return clock_.wait_for(duration, stop); }

   private:
    const Clock& clock_;
    mutable Answers<Result<std::optional<TimeReference>>> reference_;
  };

  class SeenRegistry final : public Registry {
   public:
    explicit SeenRegistry(const Registry& registry) : registry_(registry) {}
    Result<std::optional<RegistryValue>> value(std::string_view key, std::string_view name) const override;
    Result<std::optional<v1::FileSecurity>> security(std::string_view key) const override;
    Status set(std::string_view, std::string_view, const RegistryValue&) override;
    Status erase(std::string_view, std::string_view) override;

   private:
    const Registry& registry_;
    mutable Answers<Result<std::optional<RegistryValue>>, std::string, std::string> values_;
    mutable Answers<Result<std::optional<v1::FileSecurity>>, std::string> securities_;
  };

  class SeenCertificates final : public CertificateStores {
   public:
    explicit SeenCertificates(const CertificateStores& stores) : stores_(stores) {}
    Result<std::optional<Certificate>> find(std::string_view store, std::string_view sha1) const override;
    Result<std::vector<Certificate>> list(std::string_view store) const override;
    Result<KeyUse> key_use(std::string_view store, std::string_view sha1) const override;
    Status try_key() override;
    Status remove(std::string_view, std::string_view) override;
    Status add(std::string_view, const v1::CertificateCopy&) override;

   private:
    const CertificateStores& stores_;
    mutable Answers<Result<std::optional<Certificate>>, std::string, std::string> certificates_;
    mutable Answers<Result<std::vector<Certificate>>, std::string> lists_;
    mutable Answers<Result<KeyUse>, std::string, std::string> uses_;
  };

  class SeenKeyFiles final : public KeyFiles {
   public:
    explicit SeenKeyFiles(const KeyFiles& files) : files_(files) {}
    Result<std::optional<KeyFile>> find(std::string_view folder, std::string_view file) const override;
    Status write_dacl(std::string_view, std::string_view, const v1::FileSecurity&) override;
    Status keep(std::string_view, std::string_view, std::string_view) override;
    Status put_back(std::string_view, std::string_view, std::string_view) override;
    Result<std::optional<KeyFile>> find_aside(std::string_view aside) const override;
    Status move_aside(std::string_view, std::string_view, std::string_view) override;
    Status move_back(std::string_view, std::string_view, std::string_view) override;

   private:
    const KeyFiles& files_;
    mutable Answers<Result<std::optional<KeyFile>>, std::string, std::string> found_;
    mutable Answers<Result<std::optional<KeyFile>>, std::string> aside_;
  };

  class SeenServices final : public Services {
   public:
    explicit SeenServices(const Services& services) : services_(services) {}
    Result<std::optional<ServiceInfo>> find(std::string_view name) const override;
    Status start(std::string_view, Duration) override;
    Status stop(std::string_view, Duration) override;
    Status set_start_type(std::string_view, v1::ServiceStartType) override;

   private:
    const Services& services_;
    mutable Answers<Result<std::optional<ServiceInfo>>, std::string> found_;
  };

  class SeenFirewall final : public Firewall {
   public:
    explicit SeenFirewall(const Firewall& firewall) : firewall_(firewall) {}
    Result<FirewallStatus> status() const override;
    Result<std::vector<FirewallRule>> rules(std::string_view group) const override;
    Result<std::vector<SecurityRuleText>> security_rules() const override;
    Status set_enabled(std::string_view, bool) override;

   private:
    const Firewall& firewall_;
    mutable Answers<Result<FirewallStatus>> status_;
    mutable Answers<Result<std::vector<FirewallRule>>, std::string> rules_;
    mutable Answers<Result<std::vector<SecurityRuleText>>> security_rules_;
  };

  class SeenSessions final : public Sessions {
   public:
    explicit SeenSessions(const Sessions& sessions) : sessions_(sessions) {}
    Result<std::vector<Session>> list() const override;

   private:
    const Sessions& sessions_;
    mutable Answers<Result<std::vector<Session>>> list_;
  };

  class SeenListener final : public Listener {
   public:
    explicit SeenListener(const Listener& listener) : listener_(listener) {}
    Result<ListenerState> state() const override;
    Result<v1::ProbeReport> probe(ProbeFrom from, Duration deadline) const override;

   private:
    const Listener& listener_;
    mutable Answers<Result<ListenerState>> state_;
    mutable Answers<Result<v1::ProbeReport>, ProbeFrom> probes_;
  };

  const SeenClock clock_;
  const SeenRegistry registry_;
  const SeenCertificates certificates_;
  const SeenKeyFiles key_files_;
  const SeenServices services_;
  const SeenFirewall firewall_;
  const SeenSessions sessions_;
  const SeenListener listener_;
  const HostView view_;
};

}  // namespace rdpmend
