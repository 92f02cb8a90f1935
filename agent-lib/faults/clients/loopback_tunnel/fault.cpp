// Clients that sign in and come from the host itself: something here passes their connections on. Report only: it may
// be meant, and a session of an intruder is evidence.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "agent-lib/faults/clients/accounts.hpp"
#include "agent-lib/faults/kit/case.hpp"
#include "agent-lib/support/address.hpp"

namespace rdpmend::faults::clients {

namespace {

constexpr std::string_view k_loopback = "loopback";
// Remote Desktop Gateway, whose clients come from it, on this very host from its own address.
constexpr std::string_view k_gateway_service = "TSGateway";

// What was counted of one subject: 1149, and 21 or 25. A handshake of ours gets to neither.
struct Seen {
  std::set<std::string> sources;
  std::uint64_t authenticated = 0;
  std::uint64_t sessions = 0;
  WallTime last{};
  Accounts accounts;

  void add(const TallyGroup& group) {
    sources.insert(group.of("source"));
    last = std::max(last, group.last);
    accounts.add(group);
  }
};

std::set<std::string> own_addresses(const HostView& host) {
  std::set<std::string> addresses;
  const auto add = [&](const std::string& text) {
    if (auto address = address_in(text)) addresses.insert(std::move(*address));
  };
  add(need(host.listener.state()).own_address);
  const auto status = need(host.firewall.status());
  for (const auto& each : status.interfaces) {
    for (const auto& address : each.addresses) add(address);
  }
  return addresses;
}

bool is_gateway(const HostView& host) {
  const auto service = need(host.services.find(k_gateway_service));
  return service && service->run == ServiceRun::running;
}

// By subject. Which addresses are the host's own is asked only where somebody came from elsewhere than loopback.
class Sources {
 public:
  explicit Sources(const HostView& host) : host_(host) {}

  // Empty: another computer's, or none at all (the console).
  std::string subject_of(const std::string& source) {
    const auto address = address_in(source);
    if (!address) return {};
    if (is_loopback(*address)) return std::string(k_loopback);
    if (!own_) own_ = is_gateway(host_) ? std::set<std::string>{} : own_addresses(host_);
    return own_->contains(*address) ? *address : std::string();
  }

 private:
  const HostView& host_;
  std::optional<std::set<std::string>> own_;
};

Case case_of(const std::string& subject, const Seen& seen, const TallySnapshot& authenticated,
             const TallySnapshot& sessions) {
  const auto whence = subject == k_loopback ? std::string("loopback") : "this host's own address " + subject;
  Case found(subject, fmt::format("Remote Desktop is used from {}, through a program on this host", whence));
  found
      .saw("clients that sign in", fmt::format("come from {}", whence), "come from other computers",
           "RemoteConnectionManager 1149, LocalSessionManager 21 and 25")
      .noted("address as logged", fmt::format("{}", fmt::join(seen.sources, ", ")), "", "event log")
      .noted("clients that passed authentication", how_often(seen.authenticated, authenticated), "none",
             "RemoteConnectionManager 1149")
      .noted("sessions that began or came back", how_often(seen.sessions, sessions), "none",
             "LocalSessionManager 21 and 25")
      .noted("the last of them", to_iso8601(seen.last), "", "event log")
      .noted("accounts", seen.accounts.text(), "", "event log")
      .advises(
          "Find out which program passes the connections on: while one is open, Get-NetTCPConnection shows which "
          "process holds its other end. SSH or a tunnel's client, a port proxy (netsh interface portproxy show all) or "
          "a management agent such as that of AWS Systems Manager may be meant; then dismiss this incident. If nobody "
          "knows of it, treat it as an intrusion: keep the logs, and change the passwords of the accounts above. The "
          "firewall sees none of this, because the host's own traffic is loopback to it. No session is disconnected.");
  return found;
}

void add_connections(const Look& look, Case& found) {
  const auto connections = look.known.tallies.of("loopback_connection");
  if (!connections || connections->groups.empty()) return;
  const auto& all = connections->groups.front();
  const auto clients = all.values.find("client");
  if (clients == all.values.end() || clients->second.empty()) return;
  found.noted("connections from loopback, without our own probes", how_often(all.count, *connections), "",
              fmt::format("RdpCoreTS 131, the last from {} at {}", clients->second.back(), to_iso8601(all.last)));
}

class LoopbackTunnel final : public Fault {
 public:
  std::string_view id() const override { return "loopback_tunnel"; }

  std::vector<v1::Diagnosis> detect(const Look& look) const override {
    const auto authenticated = need(look.known.tallies.of("client_authenticated"));
    const auto sessions = need(look.known.tallies.of("client_session"));
    Sources sources(look.host);
    std::map<std::string, Seen> by_subject;
    for (const auto& group : authenticated.groups) {
      auto& seen = by_subject[sources.subject_of(group.of("source"))];
      seen.authenticated += group.count;
      seen.add(group);
    }
    for (const auto& group : sessions.groups) {
      auto& seen = by_subject[sources.subject_of(group.of("source"))];
      seen.sessions += group.count;
      seen.add(group);
    }
    by_subject.erase("");
    std::vector<v1::Diagnosis> diagnoses;
    for (const auto& [subject, seen] : by_subject) {
      auto found = case_of(subject, seen, authenticated, sessions);
      if (subject == k_loopback) add_connections(look, found);
      diagnoses.push_back(std::move(found));
    }
    return diagnoses;
  }
};

}  // namespace

std::unique_ptr<Fault> make_loopback_tunnel() {
  return std::make_unique<LoopbackTunnel>();
}

}  // namespace rdpmend::faults::clients
