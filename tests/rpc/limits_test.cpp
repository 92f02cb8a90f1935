// What strangers and clients that run wild may cost the service. Each test sets one limit low.
#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include <list>
#include <thread>

#include "tests/rpc/raw_client.hpp"
#include "tests/rpc/rpc_world.hpp"

namespace rdpmend {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;

constexpr char k_watch[] = "/rdpmend.v1.Agent/Watch";
// That nothing happens cannot be waited for to its end.
constexpr auto k_a_while = 300ms;
// A gRPC message of no bytes: flag, length.
constexpr std::string_view k_empty_request{"\0\0\0\0\0", 5};

asio::ip::tcp::endpoint endpoint_of(const std::string& address) {
  const auto colon = address.rfind(':');
  return {asio::ip::make_address(address.substr(0, colon)),
          static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)))};
}

// A TCP connection that says nothing by itself.
class Silent {
 public:
  explicit Silent(RpcServer& server, const char* from = "127.0.0.1") : socket_(io_, asio::ip::tcp::v4()) {
    socket_.bind({asio::ip::make_address(from), 0});
    socket_.connect(endpoint_of(server.address()));
  }
  void send(std::string_view bytes) { asio::write(socket_, asio::buffer(bytes)); }
  bool ends(std::chrono::milliseconds patience) {
    bool ended = false;
    char byte = 0;
    socket_.async_read_some(asio::buffer(&byte, 1), [&](const boost::system::error_code& error, std::size_t) {
      ended = error && error != asio::error::operation_aborted;
    });
    io_.restart();
    io_.run_for(patience);
    socket_.cancel();
    io_.restart();
    io_.run();
    return ended;
  }

 private:
  asio::io_context io_;
  asio::ip::tcp::socket socket_;
};

class World : public RpcWorld {
 public:
  explicit World(const ConnectionLimits& limits) : RpcWorld({.limits = limits}) {}

  RawClient raw(v1::Role role) { return RawClient(server().address(), client(role), TLS1_3_VERSION); }

  // "CLIENT PEER REASON" of each ConnectionLimited so far, once there is one.
  std::vector<std::string> limited() {
    std::vector<std::string> found;
    const auto deadline = std::chrono::steady_clock::now() + k_patience;
    while (found.empty() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(20ms);
      const auto entries = journal().read(0, 100'000, 0).value();
      for (const auto& entry : entries) {
        const auto& body = entry.connection_limited();
        if (entry.has_connection_limited()) found.push_back(body.client() + " " + body.peer() + " " + body.reason());
      }
    }
    return found;
  }
};

TEST(Limits, WhoSaysNothingIsCutOffInTimeAndToldOfByItsAddress) {
  World world({.handshake = 300ms});
  Silent silent(world.server(), "127.0.0.2");
  EXPECT_TRUE(silent.ends(k_patience));
  EXPECT_THAT(world.limited(), Contains(HasSubstr(" 127.0.0.2 the TLS handshake was not finished in time")));
}

TEST(Limits, WhoDoesNotFinishTheHandshakeIsCutOffInTime) {
  World world({.handshake = 300ms});
  Silent half(world.server());
  half.send(std::string_view("\x16\x03\x01\x01\x00\x01", 6));  // A ClientHello begins so.
  EXPECT_TRUE(half.ends(k_patience));
  EXPECT_THAT(world.limited(), Contains(HasSubstr("not finished in time")));
}

TEST(Limits, OfOneAddressTheOldestHandshakeGivesWayAndClientsStillGetIn) {
  World world({.handshakes_per_address = 2});
  Silent first(world.server(), "127.0.0.2"), other(world.server(), "127.0.0.3");
  Silent second(world.server(), "127.0.0.2"), third(world.server(), "127.0.0.2");
  EXPECT_TRUE(first.ends(k_patience));
  EXPECT_FALSE(second.ends(k_a_while));
  EXPECT_FALSE(other.ends(k_a_while));
  EXPECT_TRUE(world.ask(v1::ROLE_VIEWER).ok());
  EXPECT_THAT(world.limited(), Contains(HasSubstr("127.0.0.2 too many TLS handshakes under way from its address")));
}

TEST(Limits, OfAllTheOldestHandshakeGivesWayAndClientsStillGetIn) {
  World world({.handshakes = 2});
  Silent first(world.server(), "127.0.0.2"), second(world.server(), "127.0.0.3"), third(world.server(), "127.0.0.4");
  EXPECT_TRUE(first.ends(k_patience));
  EXPECT_FALSE(third.ends(k_a_while));
  EXPECT_TRUE(world.ask(v1::ROLE_VIEWER).ok());
  EXPECT_THAT(world.limited(), Contains(HasSubstr("127.0.0.2 too many TLS handshakes under way")));
}

TEST(Limits, WhoConnectsTooOftenIsCutOffAndNobodyElseIs) {
  World world({.connections_per_address = {3, 0.001}});
  std::list<Silent> within;
  for (int i = 0; i < 3; ++i) within.emplace_back(world.server(), "127.0.0.2");
  Silent beyond(world.server(), "127.0.0.2");
  EXPECT_TRUE(beyond.ends(k_patience));
  EXPECT_FALSE(within.back().ends(k_a_while));
  EXPECT_TRUE(world.ask(v1::ROLE_VIEWER).ok());
  EXPECT_THAT(world.limited(), Contains(HasSubstr("127.0.0.2 connects too often")));
}

TEST(Limits, WhoWasTurnedAwayManyTimesIsLetInAsSoonAsThereIsRoom) {
  World world({.connections_per_address = {2, 5}});
  for (int i = 0; i < 300; ++i) Silent(world.server(), "127.0.0.2");  // A minute's worth.
  const auto begin = std::chrono::steady_clock::now();
  while (Silent(world.server(), "127.0.0.2").ends(k_a_while)) ASSERT_LT(std::chrono::steady_clock::now() - begin, 20s);
}

TEST(Limits, AllTogetherMayConnectOnlySoOften) {
  World world({.connections = {2, 0.001}});
  Silent first(world.server(), "127.0.0.2"), second(world.server(), "127.0.0.3"), third(world.server(), "127.0.0.4");
  EXPECT_TRUE(third.ends(k_patience));
  EXPECT_FALSE(first.ends(k_a_while));
}

TEST(Limits, OneClientHasOnlySoManyConnections) {
  World world({.connections_per_client = 2});
  auto first = world.raw(v1::ROLE_VIEWER), second = world.raw(v1::ROLE_VIEWER);
  EXPECT_NE(first.listen(k_patience).bytes, "");
  EXPECT_NE(second.listen(k_patience).bytes, "");
  auto third = world.raw(v1::ROLE_VIEWER);
  EXPECT_TRUE(third.ends(k_patience));
  EXPECT_TRUE(world.ask(v1::ROLE_ADMIN).ok());
  EXPECT_FALSE(first.ends(k_a_while));
  EXPECT_THAT(world.limited(), Contains("viewer 127.0.0.1 too many connections of one client"));
}

TEST(Limits, AllClientsTogetherHaveOnlySoManyConnections) {
  World world({.clients_connections = 1});
  auto first = world.raw(v1::ROLE_VIEWER);
  EXPECT_NE(first.listen(k_patience).bytes, "");
  auto second = world.raw(v1::ROLE_ADMIN);
  EXPECT_TRUE(second.ends(k_patience));
  EXPECT_FALSE(first.ends(k_a_while));
  EXPECT_THAT(world.limited(), Contains("admin 127.0.0.1 too many connections of all clients"));
}

// CVE-2023-44487.
TEST(Limits, CallsThatAreBegunAndResetAgainAndAgainEndTheConnection) {
  World world({});
  auto raw = world.raw(v1::ROLE_VIEWER);
  raw.send(http2_greeting());
  std::string attack;
  for (std::uint32_t stream = 1; stream < 1000; stream += 2) {
    attack += http2_headers(stream, k_get_status, true);
    attack += http2_frame(FrameType::reset, 0, stream, std::string_view("\0\0\0\x08", 4));
  }
  raw.send(attack);
  EXPECT_TRUE(raw.ends(k_patience));
  EXPECT_THAT(world.limited(), Contains("viewer 127.0.0.1 too many calls begun and ended early"));
  EXPECT_TRUE(world.ask(v1::ROLE_VIEWER).ok());
}

TEST(Limits, WhoBeginsAnewBeginsNothingAnew) {
  World world({.resets = {4, 0.001}});
  const auto attack = http2_greeting() + http2_headers(1, k_get_status, true) +
                      http2_frame(FrameType::reset, 0, 1, std::string_view("\0\0\0\x08", 4));
  for (int i = 0; i < 4; ++i) {
    auto raw = world.raw(v1::ROLE_VIEWER);
    raw.send(attack);
    EXPECT_NE(raw.listen(k_patience).bytes, "");
  }
  auto last = world.raw(v1::ROLE_VIEWER);
  last.send(attack);
  EXPECT_TRUE(last.ends(k_patience));
}

TEST(Limits, OneClientHasOnlySoManyCallsAtOnceInAllItsConnections) {
  World world({.streams_per_client = 3});
  const auto watch = [](std::uint32_t stream) {
    return http2_headers(stream, k_watch, false) + http2_frame(FrameType::data, 1, stream, k_empty_request);
  };
  auto first = world.raw(v1::ROLE_VIEWER), second = world.raw(v1::ROLE_VIEWER);
  first.send(http2_greeting() + watch(1) + watch(3));
  EXPECT_NE(first.listen(k_patience).bytes, "");
  second.send(http2_greeting() + watch(1) + watch(3));
  EXPECT_TRUE(second.ends(k_patience));
  EXPECT_THAT(world.limited(), Contains("viewer 127.0.0.1 too many calls at once"));
}

TEST(Limits, CallsThatHaveEndedDoNotCount) {
  World world({.streams_per_client = 1});
  const auto stub = world.stub(v1::ROLE_VIEWER);
  v1::GetStatusResponse response;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(stub->GetStatus(context().get(), {}, &response).ok());
}

TEST(Limits, WhoIsTooFastIsSlowedDownAndAnswered) {
  World world({.streams = {5, 20}});
  const auto stub = world.stub(v1::ROLE_VIEWER);
  const auto begin = std::chrono::steady_clock::now();
  v1::GetStatusResponse response;
  for (int i = 0; i < 15; ++i) ASSERT_TRUE(stub->GetStatus(context().get(), {}, &response).ok());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 400ms);
}

TEST(Limits, WhoPressesOnForTooLongIsCutOff) {
  World world({.bytes = {1000, 1000}, .held_back = 1s});
  auto raw = world.raw(v1::ROLE_VIEWER);
  raw.send(http2_greeting() + http2_frame(FrameType::settings, 0, 0, ""));
  // Of a type that nobody knows, which is skipped: RFC 9113 section 4.1.
  for (int i = 0; i < 60; ++i) raw.send(http2_frame(FrameType{0x42}, 0, 1, std::string(16 * 1024, 'x')));
  EXPECT_TRUE(raw.ends(k_patience));
  EXPECT_THAT(world.limited(), Contains("viewer 127.0.0.1 too many calls or bytes a second, for too long"));
}

TEST(Limits, WhoDoesNotReadIsCutOff) {
  World world({.unread = 300ms});
  world.append(4'000, 0, 4'000);  // More than the buffers of a connection hold.
  auto raw = world.raw(v1::ROLE_VIEWER);
  raw.send(http2_greeting() + http2_headers(1, k_watch, false) + http2_frame(FrameType::data, 1, 1, k_empty_request));
  EXPECT_THAT(world.limited(), Contains("viewer 127.0.0.1 it does not read what it is sent"));
  EXPECT_TRUE(raw.ends(k_patience));
}

TEST(Limits, TheWatchOfAClientThatWasRevokedEndsInWordsAndThenItsConnection) {
  World world({});
  auto raw = world.raw(v1::ROLE_OPERATOR);
  raw.send(http2_greeting());
  const auto stub = world.stub(v1::ROLE_OPERATOR);
  const auto call = context();
  const auto stream = stub->Watch(call.get(), {});
  v1::WatchResponse response;
  ASSERT_TRUE(stream->Read(&response));
  const auto other_call = context();
  const auto other_stub = world.stub(v1::ROLE_VIEWER);
  const auto other = other_stub->Watch(other_call.get(), {});
  ASSERT_TRUE(other->Read(&response));

  world.revoke("operator");
  while (stream->Read(&response)) {
  }
  const auto status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(status.error_message(), HasSubstr("revoked"));
  EXPECT_TRUE(raw.ends(k_patience));
  other_call->TryCancel();
  while (other->Read(&response)) {
  }
  EXPECT_EQ(other->Finish().error_code(), grpc::StatusCode::CANCELLED) << "nobody else's has ended";
}

TEST(Limits, NobodyButTheFrontDoorReachesGrpc) {
  World world({});
  RawClient local(world.server().address_behind_door(), world.client(v1::ROLE_ADMIN), TLS1_3_VERSION);
  if (local.greeted()) local.send(http2_call(k_get_status, "x-any", "thing"));
  const auto heard = local.listen(k_patience);
  EXPECT_TRUE(heard.closed);
  EXPECT_EQ(heard.bytes, "");
}

}  // namespace
}  // namespace rdpmend
