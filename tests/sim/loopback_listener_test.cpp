// The simulated listener on real sockets: what a probe, openssl and a hostile client see.
#include "agent-lib/sim/loopback_listener.hpp"

#include <openssl/ssl.h>

#include <future>
#include <random>

#include "agent-lib/probe/rdp_handshake.hpp"
#include "agent-lib/probe/x224.hpp"
#include "agent-lib/support/asio.hpp"
#include "tests/sim/sim_test_support.hpp"

namespace rdpmend::sim {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;

struct ListeningHost {
  explicit ListeningHost(const std::string& scenario = "", SimOptions options = {.real_time = true})
      : host(scenario, options), listener(LoopbackListener::open(host, 0).value()) {}

  tcp::endpoint endpoint(const std::string& address) const {
    return {asio::ip::make_address(address), listener->port()};
  }
  v1::ProbeReport probe_as_somebody_else(const std::string& address, std::uint32_t protocols) const {
    ProbeOptions options;
    options.requested_protocols = protocols;
    return probe_rdp({address, listener->port()}, options);
  }

  // Through the sockets.
  v1::ProbeReport probe(Vantage from = Vantage::outside) const {
    const auto address = from == Vantage::loopback      ? listener->loopback_address()
                         : from == Vantage::own_address ? listener->own_address()
                                                        : listener->outside_address();
    return probe_rdp({address, listener->port()}, {});
  }

  TestHost host;
  std::unique_ptr<LoopbackListener> listener;
};

constexpr std::uint32_t k_as_mstsc = 0x0B;

// Sends bytes and gives all that comes back until the other side closes.
std::vector<std::uint8_t> exchange(const tcp::endpoint& endpoint, std::span<const std::uint8_t> bytes,
                                   bool end_sending = true) {
  asio::io_context io;
  tcp::socket socket(io);
  socket.connect(endpoint);
  asio::write(socket, asio::buffer(bytes.data(), bytes.size()));
  boost::system::error_code end;
  if (end_sending) socket.shutdown(tcp::socket::shutdown_send, end);
  std::vector<std::uint8_t> answer(4096);
  answer.resize(asio::read(socket, asio::buffer(answer), end));
  return answer;
}

TEST(LoopbackListener, ServesTheRegisteredCertificateOnEveryAddress) {
  ListeningHost rehearsal;
  for (const auto from : {Vantage::loopback, Vantage::own_address, Vantage::outside}) {
    const auto report = rehearsal.probe(from);
    EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_OK) << report.detail();
    EXPECT_EQ(report.selected_protocol(), 8U);
    EXPECT_EQ(report.tls_protocol(), "TLSv1.3");
    EXPECT_EQ(report.certificate().sha1(), rehearsal.host.registered_sha1());
  }
  const auto state = rehearsal.host.view.listener.state().value();
  EXPECT_EQ(state.port, rehearsal.listener->port());
  EXPECT_EQ(state.own_address, rehearsal.listener->own_address());
}

TEST(LoopbackListener, ServesRsaKeysToo) {
  ListeningHost rehearsal("", {.real_time = true, .real_keys = true});
  const auto report = rehearsal.probe();
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_OK) << report.detail();
  EXPECT_EQ(report.certificate().sha1(), rehearsal.host.registered_sha1());
}

TEST(LoopbackListener, NamesOurOwnProbesInTheEventLog) {
  ListeningHost rehearsal;
  const auto report = rehearsal.probe();
  const auto events = rehearsal.host.events(k_rdp_core_operational, k_rdp_core_provider, 131);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_NE(events[0].find("127.0.0.1:" + std::to_string(report.local_port()) + "<"), std::string::npos) << events[0];
}

TEST(LoopbackListener, InsistsOnNetworkLevelAuthenticationAsTheRegistrySays) {
  ListeningHost rehearsal;
  EXPECT_EQ(rehearsal.probe_as_somebody_else("127.0.0.2", rdp_protocol::k_tls).failure_code(), 5U);
  EXPECT_EQ(rehearsal.probe_as_somebody_else("127.0.0.2", rdp_protocol::k_rdp).failure_code(), 5U);
  EXPECT_EQ(
      rehearsal.probe_as_somebody_else("127.0.0.2", rdp_protocol::k_tls | rdp_protocol::k_hybrid).selected_protocol(),
      2U);
  rehearsal.host.change(R"(registry { key: "SYSTEM\\CurrentControlSet\\Control\\Terminal Server\\WinStations\\RDP-Tcp"
                                      name: "UserAuthentication" dword: 0 })");
  const auto report = rehearsal.probe_as_somebody_else("127.0.0.2", rdp_protocol::k_tls);
  EXPECT_EQ(report.selected_protocol(), 1U);
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_OK);
}

TEST(LoopbackListener, ClosesWithNoConfirmWhileTheKeyIsUnusable) {
  ListeningHost rehearsal(R"(changes { certificate { key_readers_removed: "S-1-5-20" } })");
  const auto report = rehearsal.probe();
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_CLOSED_BEFORE_CONFIRM);
  EXPECT_EQ(rehearsal.host.count(k_system_channel, "Schannel", 36870), 1U);
}

TEST(LoopbackListener, FollowsTheFirewallAtOnce) {
  ListeningHost rehearsal;
  auto& firewall = rehearsal.host.control().firewall;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(firewall.set_enabled("RemoteDesktop-UserMode-In-TCP", false));
    EXPECT_EQ(rehearsal.probe(Vantage::outside).outcome(), v1::PROBE_OUTCOME_REFUSED);
    EXPECT_EQ(rehearsal.probe(Vantage::loopback).outcome(), v1::PROBE_OUTCOME_OK);
    EXPECT_EQ(rehearsal.probe(Vantage::own_address).outcome(), v1::PROBE_OUTCOME_OK) << "measured.md F8";
    ASSERT_TRUE(firewall.set_enabled("RemoteDesktop-UserMode-In-TCP", true));
    EXPECT_EQ(rehearsal.probe(Vantage::outside).outcome(), v1::PROBE_OUTCOME_OK);
  }
}

TEST(LoopbackListener, ShowsAnotherCertificateAfterRenewal) {
  ListeningHost rehearsal;
  const auto before = rehearsal.probe().certificate().sha1();
  auto control = rehearsal.host.control();
  auto subscription = control.events.subscribe({"System", "*"}, std::nullopt).value();
  ASSERT_TRUE(control.certificates.remove(k_remote_desktop_store, before));
  ASSERT_TRUE(control.services.stop("SessionEnv", 30s));
  ASSERT_TRUE(control.services.start("SessionEnv", 30s));
  const auto limit = std::chrono::steady_clock::now() + 30s;
  while (rehearsal.host.certificate_events(1056) == 0 && std::chrono::steady_clock::now() < limit) {
    control.events.wait({}, 1s);
    (void)subscription->next(100);
  }
  const auto after = rehearsal.probe();
  EXPECT_EQ(after.outcome(), v1::PROBE_OUTCOME_OK);
  EXPECT_NE(after.certificate().sha1(), before);
  EXPECT_EQ(after.certificate().sha1(), rehearsal.host.registered_sha1());
}

TEST(LoopbackListener, DropsItsClientsWhenTermServiceStops) {
  ListeningHost rehearsal;
  asio::io_context io;
  tcp::socket socket(io);
  socket.connect(rehearsal.endpoint("127.0.0.2"));
  const auto request = x224::encode_request(k_as_mstsc);
  asio::write(socket, asio::buffer(request));
  std::array<std::uint8_t, 19> confirm{};
  asio::read(socket, asio::buffer(confirm));
  rehearsal.host.change(R"(services { name: "TermService" running: false })");
  boost::system::error_code error;
  std::uint8_t byte = 0;
  EXPECT_EQ(asio::read(socket, asio::buffer(&byte, 1), error), 0U);
  EXPECT_TRUE(error);
  EXPECT_EQ(rehearsal.probe(Vantage::loopback).outcome(), v1::PROBE_OUTCOME_REFUSED);
  ASSERT_TRUE(rehearsal.host.control().services.start("TermService", 30s));
  EXPECT_EQ(rehearsal.probe(Vantage::outside).outcome(), v1::PROBE_OUTCOME_OK);
}

TEST(LoopbackListener, GivesHostileClientsNothingAndGoesOn) {
  ListeningHost rehearsal;
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::uint8_t> bytes(1 + random() % 600);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    if (round % 2 == 0) bytes[0] = 3;
    boost::system::error_code ignored;
    try {
      EXPECT_TRUE(exchange(rehearsal.endpoint("127.0.0.2"), bytes).empty());
    } catch (const boost::system::system_error&) {  // Reset while we were still sending.
    }
  }
  // A good X.224 step, and then no TLS.
  std::vector<std::uint8_t> bytes;
  for (const auto byte : x224::encode_request(k_as_mstsc)) bytes.push_back(byte);
  bytes.insert(bytes.end(), 300, 'x');
  EXPECT_GE(exchange(rehearsal.endpoint("127.0.0.2"), bytes).size(), 19U);
  EXPECT_EQ(rehearsal.probe().outcome(), v1::PROBE_OUTCOME_OK);
}

TEST(LoopbackListener, BoundsItsConnections) {
  ListeningHost rehearsal;
  asio::io_context io;
  std::vector<tcp::socket> sockets;
  for (int i = 0; i < 64; ++i) {
    sockets.emplace_back(io).connect(rehearsal.endpoint("127.0.0.1"));
  }
  const auto request = x224::encode_request(k_as_mstsc);
  EXPECT_TRUE(exchange(rehearsal.endpoint("127.0.0.1"), request, false).empty()) << "one too many";
  sockets.clear();
  v1::ProbeReport report;
  for (int i = 0; i < 100 && report.outcome() != v1::PROBE_OUTCOME_OK; ++i) report = rehearsal.probe();
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_OK);
}

TEST(LoopbackListener, SaysWhichPortIsTaken) {
  ListeningHost first;
  TestHost host;
  const auto second = LoopbackListener::open(host, first.listener->port());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
  EXPECT_NE(second.error().what.find(std::to_string(first.listener->port())), std::string::npos);
  EXPECT_FALSE(second.error().hint.empty());
}

TEST(LoopbackListener, EndsWhileClientsAreConnectedAndTheHostChanges) {
  for (int round = 0; round < 10; ++round) {
    ListeningHost rehearsal;
    auto probing = std::async(std::launch::async, [&] {
      for (int i = 0; i < 3; ++i) (void)rehearsal.probe_as_somebody_else("127.0.0.2", k_as_mstsc);
    });
    auto& firewall = rehearsal.host.control().firewall;
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(firewall.set_enabled("RemoteDesktop-UserMode-In-TCP", i % 2 != 0));
    probing.get();
    rehearsal.listener.reset();
    EXPECT_TRUE(firewall.set_enabled("RemoteDesktop-UserMode-In-TCP", true));
  }
}

}  // namespace
}  // namespace rdpmend::sim
