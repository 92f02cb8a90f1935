// Who gets in, who does not, and whether the words help.
#include <gmock/gmock.h>
#include <grpc/grpc.h>
#include <openssl/ssl.h>

#include "agent-lib/support/asio_ssl.hpp"
#include "tests/rpc/rpc_world.hpp"

namespace rdpmend {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

grpc::Status ask(RpcWorld& world, const CertificateAndKey* client) {
  v1::GetStatusResponse response;
  return world.stub(client)->GetStatus(context().get(), {}, &response);
}

TEST(Authentication, ATrustedClientIsToldWhoItIs) {
  RpcWorld world;
  v1::GetStatusResponse response;
  const auto status = world.stub(v1::ROLE_OPERATOR)->GetStatus(context().get(), {}, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.client_name(), "operator");
  EXPECT_EQ(response.client_role(), "operator");
}

TEST(Authentication, WithoutACertificateThereIsNoConnection) {
  RpcWorld world;
  const auto status = ask(world, nullptr);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
}

// Who is not trusted gets no connection: strangers_test.
TEST(Authentication, ACertificateOfTheFutureGetsNoConnection) {
  RpcWorld world;
  const auto early = self_signed("early", machine_now() + 24h, machine_now() + 48h);
  world.trust(early, "early", v1::ROLE_ADMIN);
  const auto status = ask(world, &early);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
}

TEST(Authentication, AClientThatIsEnrolledLaterGetsIn) {
  RpcWorld world;
  const auto late = self_signed("late", machine_now() - 1h, machine_now() + 1h);
  EXPECT_EQ(ask(world, &late).error_code(), grpc::StatusCode::UNAVAILABLE);
  world.trust(late, "late", v1::ROLE_VIEWER);
  const auto deadline = std::chrono::steady_clock::now() + k_patience;
  grpc::Status status = grpc::Status::CANCELLED;
  while (!status.ok() && std::chrono::steady_clock::now() < deadline) status = ask(world, &late);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST(Authentication, ARevocationReachesAConnectionThatIsOpen) {
  RpcWorld world;
  const auto stub = world.stub(v1::ROLE_ADMIN);
  v1::GetStatusResponse response;
  ASSERT_TRUE(stub->GetStatus(context().get(), {}, &response).ok());
  world.revoke("admin");
  const auto deadline = std::chrono::steady_clock::now() + k_patience;
  grpc::Status status;
  while (status.ok() && std::chrono::steady_clock::now() < deadline)
    status = stub->GetStatus(context().get(), {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST(Authentication, ADamagedTrustFileEndsCallsOfConnectionsThatAreOpen) {
  RpcWorld world;
  const auto stub = world.stub(v1::ROLE_ADMIN);
  v1::GetStatusResponse response;
  ASSERT_TRUE(stub->GetStatus(context().get(), {}, &response).ok());
  world.damage_trust();
  const auto deadline = std::chrono::steady_clock::now() + k_patience;
  grpc::Status status;
  while (status.ok() && std::chrono::steady_clock::now() < deadline)
    status = stub->GetStatus(context().get(), {}, &response);
  EXPECT_NE(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(status.error_message(), HasSubstr("trust"));
}

// What the TLS handshake gives for the versions that a client may speak, as OpenSSL numbers them.
bool shakes_hands(const RpcWorld& world, int lowest, int highest) {
  namespace ssl = boost::asio::ssl;
  ssl::context tls(ssl::context::tls_client);
  SSL_CTX_set_security_level(tls.native_handle(), 0);  // Else OpenSSL itself offers no TLS 1.1.
  SSL_CTX_set_min_proto_version(tls.native_handle(), lowest);
  SSL_CTX_set_max_proto_version(tls.native_handle(), highest);
  const auto& client = world.client(v1::ROLE_VIEWER);
  tls.use_certificate(asio::buffer(client.certificate_pem), ssl::context::pem);
  tls.use_private_key(asio::buffer(client.key_pem), ssl::context::pem);
  asio::io_context io;
  ssl::stream<asio::ip::tcp::socket> stream(io, tls);
  const auto& address = const_cast<RpcWorld&>(world).server().address();
  const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  stream.next_layer().connect({asio::ip::make_address("127.0.0.1"), port});
  constexpr unsigned char k_alpn[] = {2, 'h', '2'};
  SSL_set_alpn_protos(stream.native_handle(), k_alpn, sizeof(k_alpn));
  boost::system::error_code error;
  stream.handshake(ssl::stream_base::client, error);
  return !error;
}

TEST(Authentication, NothingOlderThanTls12IsSpoken) {
  RpcWorld world;
  EXPECT_TRUE(shakes_hands(world, TLS1_2_VERSION, TLS1_2_VERSION));
  EXPECT_TRUE(shakes_hands(world, TLS1_3_VERSION, TLS1_3_VERSION));
  EXPECT_FALSE(shakes_hands(world, TLS1_VERSION, TLS1_1_VERSION));
}

}  // namespace
}  // namespace rdpmend
