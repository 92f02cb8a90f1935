// What somebody whom nobody enrolled can do to the service: nothing. Not one byte of HTTP/2 of theirs is looked at.
#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include "tests/rpc/raw_client.hpp"
#include "tests/rpc/rpc_world.hpp"

namespace rdpmend {
namespace {

using namespace std::chrono_literals;

class Strangers : public testing::TestWithParam<int> {
 protected:
  // What the service says to this certificate, after `sent`.
  RawClient::Heard heard_by(const CertificateAndKey& client, std::string_view sent) {
    RawClient raw(world_.server().address(), client, GetParam());
    if (raw.greeted()) raw.send(sent);
    return raw.listen(k_patience);
  }

  void expect_cut_off(const CertificateAndKey& client) {
    const auto heard = heard_by(client, http2_call(k_get_status, "x-any", "thing"));
    EXPECT_TRUE(heard.closed);
    EXPECT_EQ(heard.bytes, "") << "an HTTP/2 connection was begun";
  }

  void expect_service_answers() {
    const auto status = world_.ask(v1::ROLE_VIEWER);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }

  RpcWorld world_;
};

TEST_P(Strangers, AreCutOffInTheHandshake) {
  expect_cut_off(self_signed("stranger", machine_now() - 1h, machine_now() + 1h));
  expect_service_answers();
}

// CVE-2023-1428: in gRPC 1.51 this header of a client ends the process.
TEST_P(Strangers, CannotEndTheServiceWithAHeader) {
  const auto stranger = self_signed("stranger", machine_now() - 1h, machine_now() + 1h);
  heard_by(stranger, http2_call(k_get_status, "grpclb_client_stats", "x"));
  expect_service_answers();
}

TEST_P(Strangers, AreThoseWhoWereRevokedToo) {
  const auto left = self_signed("left", machine_now() - 1h, machine_now() + 1h);
  world_.trust(left, "left", v1::ROLE_ADMIN);
  world_.revoke("left");
  expect_cut_off(left);
}

TEST_P(Strangers, AreThoseWhoseCertificateExpiredToo) {
  const auto old = self_signed("old", machine_now() - 48h, machine_now() - 24h);
  world_.trust(old, "old", v1::ROLE_ADMIN);
  expect_cut_off(old);
}

TEST_P(Strangers, AreAllWhileTheTrustFileIsDamaged) {
  world_.damage_trust();
  expect_cut_off(world_.client(v1::ROLE_ADMIN));
}

// The hand-made client is understood, so what strangers do not hear is not its fault.
TEST_P(Strangers, AreNotThoseWhoAreTrusted) {
  RawClient raw(world_.server().address(), world_.client(v1::ROLE_VIEWER), GetParam());
  ASSERT_TRUE(raw.greeted());
  raw.send(http2_call(k_get_status, "x-any", "thing"));
  const auto heard = raw.listen(k_patience);
  EXPECT_FALSE(heard.closed);
  EXPECT_NE(heard.bytes, "");
}

// The handshake's last word is the server's with TLS 1.2, and the client's with TLS 1.3.
INSTANTIATE_TEST_SUITE_P(Tls, Strangers, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION), [](const auto& version) {
  return std::string(version.param == TLS1_2_VERSION ? "Tls12" : "Tls13");
});

}  // namespace
}  // namespace rdpmend
