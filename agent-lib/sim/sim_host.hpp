// An RDP host in memory, with the consequences that real hosts show (facts in agent-lib/sim/README.md).
// Thread-safe: engine, reader, worker, listener and tests may all look at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/host/host.hpp"
#include "agent-lib/sim/fault_injector.hpp"
#include "rdpmend/v1/scenario.pb.h"

namespace rdpmend::sim {

// Where a connection comes from. The firewall filters only what comes from outside (measured.md F8).
enum class Vantage { loopback, own_address, outside };
inline Vantage vantage_of(ProbeFrom from) {
  return from == ProbeFrom::loopback ? Vantage::loopback : Vantage::own_address;
}

struct SimOptions {
  std::uint64_t seed = 1;  // Certificates' serial numbers and everything else that looks random.
  bool real_time = false;  // false: a virtual clock that only advance() and wait_for() move.
  bool real_keys =
      false;  // true: RSA keys and X.509 as OpenSSL makes them; false: quick stand-ins (EC) for unit tests.
};

class SimHost {
 public:
  SimHost(const v1::Scenario& scenario, SimOptions options);
  ~SimHost();
  SimHost(const SimHost&) = delete;
  SimHost& operator=(const SimHost&) = delete;

  HostControl control();

  // Moves the virtual clock, applying the scenario's changes and the host's own delayed consequences in order.
  void advance(Duration duration);
  // When the host next does something by itself, by its steady clock; nullopt: never.
  std::optional<SteadyTime> next_happening() const;
  // A new start of the host, at which its steady clock begins anew. Nobody may be at work on it; what runs on it goes
  // on.
  void restart();
  // An edit by somebody else, or a drill.
  void change(const v1::SimChange& change);
  // A client tries to connect: true if it would get a TLS session from outside. Logs what a real host logs about it.
  bool client_connects();

  // Everything durable of the host as text, for comparing: registry, stores, key files, services, rules. No logs, pids
  // or times.
  std::string fingerprint() const;
  // How often SessionEnv has made a certificate or failed to, each time with an event. Nothing else changes keys and
  // certificates by itself.
  std::uint64_t certificate_passes() const;
  FaultInjector& injector();

  // What the listener needs to answer a connection; see loopback_listener.
  struct Credential {
    std::string certificate_der;
    std::string private_key_der;  // PKCS#8
  };
  enum class Answer { refuse, close_without_confirm, serve };
  struct ListenerView {
    Answer answer = Answer::refuse;
    Credential credential;  // serve only
    bool nla_required = true;
    bool tls_allowed = true;
  };
  // How the host answers a connection that comes in by this way, now; logs the events of it.
  ListenerView accept(Vantage from, std::string_view client_address = "203.0.113.7", std::uint16_t client_port = 50312);
  // Whether accept() would not refuse. Logs nothing.
  bool reachable(Vantage from) const;
  // What a probe from there would report, answered from memory; logs the events of it.
  v1::ProbeReport probe(Vantage from, Duration deadline = std::chrono::seconds{5});
  // Who is told when the listener's reachability may have changed.
  void set_on_change(std::function<void()> changed);
  // Where the real sockets are, once there are some: then Listener::probe goes through them, else it is answered from
  // memory. The host then shows this port everywhere: PortNumber, firewall rules, Listener::state.
  void set_listener_address(std::string loopback, std::string own_address, std::uint16_t port);
  // Story lines of the scenario's changes, as they happen.
  void set_on_story(std::function<void(const std::string&)> on_story);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rdpmend::sim
