// What the probe reports of listeners that behave, and of the ways to them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/probe/probing.hpp"

namespace rdpmend {
namespace {

using namespace test;
using testing::HasSubstr;

TEST(RdpHandshake, ReportsEverythingAboutAGoodListener) {
  const auto certificate = make_certificate();
  std::uint16_t seen_port = 0;
  std::string seen_request;
  auto server = std::make_unique<ScriptedServer>([&](tcp::socket& socket) {
    seen_port = socket.remote_endpoint().port();
    seen_request = read_request(socket);
    send(socket, confirm(8));
    auto context = tls_server_context(certificate);
    asio::ssl::stream<tcp::socket&> stream{socket, context};
    boost::system::error_code ignored;
    stream.handshake(asio::ssl::stream_base::server, ignored);
    wait_for_close(socket);
  });
  const auto port = server->port();
  const auto before = std::chrono::system_clock::now();
  const auto report = probe(*server);
  server.reset();  // What it saw is read below.

  ASSERT_EQ(report.outcome(), v1::PROBE_OUTCOME_OK) << report.detail();
  EXPECT_EQ(report.stage(), v1::PROBE_STAGE_TLS);
  EXPECT_EQ(report.host(), "127.0.0.1");
  EXPECT_EQ(report.port(), port);
  EXPECT_EQ(report.address(), "127.0.0.1");
  EXPECT_EQ(report.local_port(), seen_port);
  EXPECT_EQ(seen_request, bytes("03000013 0EE00000000000 01000800 0B000000"));
  EXPECT_EQ(report.requested_protocols(), 0x0BU);
  EXPECT_EQ(report.selected_protocol(), 8U);
  EXPECT_FALSE(report.has_failure_code());
  EXPECT_EQ(report.tls_protocol(), "TLSv1.3");
  EXPECT_THAT(report.tls_cipher(), testing::StartsWith("TLS_"));
  EXPECT_EQ(report.certificate().sha1(), certificate.sha1);
  EXPECT_EQ(report.certificate().sha256(), certificate.sha256);
  EXPECT_EQ(report.certificate().subject(), "CN=rdp-host.example");
  EXPECT_TRUE(report.certificate().server_authentication());
  EXPECT_LT(std::chrono::abs(from_proto(report.started()) - before), k_patience);
  EXPECT_GT(from_proto(report.elapsed()), Duration::zero());
  EXPECT_THAT(report.meaning(), HasSubstr("can be reached"));
  expect_in_time(report, k_patience);
}

TEST(RdpHandshake, AConfirmThatComesByteByByteIsAConfirm) {
  auto context = server_context(make_certificate());
  const ScriptedServer server{[=](tcp::socket& socket) {
    read_request(socket);
    drip(socket, confirm(1), 2ms);
    asio::ssl::stream<tcp::socket&> stream{socket, *context};
    boost::system::error_code ignored;
    stream.handshake(asio::ssl::stream_base::server, ignored);
    wait_for_close(socket);
  }};
  EXPECT_EQ(probe(server).outcome(), v1::PROBE_OUTCOME_OK);
}

TEST(RdpHandshake, AnOldHostWithTls10IsSeenAsItIs) {
  auto context = server_context(make_certificate({.digest = EVP_sha1()}));
  SSL_CTX_set_security_level(context->native_handle(), 0);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context->native_handle(), TLS1_VERSION);
  SSL_CTX_set_cipher_list(context->native_handle(), "AES128-SHA:@SECLEVEL=0");
  const ScriptedServer server{rdp_server(1, context)};
  const auto report = probe(server);
  ASSERT_EQ(report.outcome(), v1::PROBE_OUTCOME_OK) << report.detail();
  EXPECT_EQ(report.tls_protocol(), "TLSv1");
  EXPECT_EQ(report.tls_cipher(), "AES128-SHA");
}

TEST(RdpHandshake, NoCommonCipherIsAnAlert) {
  auto context = server_context(make_certificate());
  SSL_CTX_set_max_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context->native_handle(), "ECDHE-ECDSA-AES128-GCM-SHA256");  // The certificate is RSA.
  const ScriptedServer server{rdp_server(1, context)};
  const auto report = probe(server);
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_TLS_ALERT);
  EXPECT_THAT(report.detail(), HasSubstr("handshake failure"));
}

TEST(RdpHandshake, ACertificateThatWasShownIsReportedEvenIfTheHandshakeFails) {
  const auto certificate = make_certificate();
  auto context = server_context(certificate);
  SSL_CTX_set_max_proto_version(context->native_handle(), TLS1_2_VERSION);
  context->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  const ScriptedServer server{rdp_server(1, context)};
  const auto report = probe(server);
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_TLS_ALERT) << report.detail();
  EXPECT_EQ(report.stage(), v1::PROBE_STAGE_NEGOTIATED);
  EXPECT_EQ(report.certificate().sha1(), certificate.sha1);
}

TEST(RdpHandshake, SaysWhenTheCertificateIsTheProblemAlthoughTlsWorks) {
  const auto meaning = [](const CertificateWish& wish) {
    const ScriptedServer server{rdp_server(2, server_context(make_certificate(wish)))};
    const auto report = probe(server);
    EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_OK) << report.detail();
    return report.meaning();
  };
  EXPECT_THAT(meaning({.begins_in = -240h, .ends_in = -24h}), HasSubstr("has expired"));
  EXPECT_THAT(meaning({.begins_in = 24h, .ends_in = 48h}), HasSubstr("not valid yet"));
  EXPECT_THAT(meaning({.extended_key_usage = "clientAuth"}), HasSubstr("server authentication"));
}

// A system without /etc/hosts knows no localhost.
bool localhost_is_known() {
  boost::asio::io_context context;
  boost::system::error_code error;
  return !boost::asio::ip::tcp::resolver(context).resolve("localhost", "1", error).empty() && !error;
}

TEST(RdpHandshake, NamesAreToldToTheServerAndAddressesAreNot) {
  if (!localhost_is_known()) GTEST_SKIP() << "the name localhost has no address here";
  const auto name_seen = [](const std::string& host) {
    std::promise<std::string> name;
    const ScriptedServer server{rdp_server(1, server_context(make_certificate()), [&](SSL* ssl) {
      const auto* seen = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
      name.set_value(seen == nullptr ? "none" : seen);
    })};
    EXPECT_EQ(probe_rdp({host, server.port()}, options(k_patience)).outcome(), v1::PROBE_OUTCOME_OK) << host;
    auto future = name.get_future();
    return future.wait_for(k_patience) == std::future_status::ready ? future.get() : "nothing in time";
  };
  EXPECT_EQ(name_seen("localhost"), "localhost");
  EXPECT_EQ(name_seen("127.0.0.1"), "none");
}

TEST(RdpHandshake, FailureCodesAreReportedWithTheirMeaning) {
  for (std::uint8_t code = 1; code <= 6; ++code) {
    const ScriptedServer server{after_request(sends(failure(code)))};
    const auto report = probe(server, options(k_patience, 1));
    EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_NEGOTIATION_FAILURE);
    EXPECT_EQ(report.failure_code(), code);
    EXPECT_FALSE(report.has_selected_protocol());
    EXPECT_THAT(report.meaning(), testing::Not(HasSubstr("does not define"))) << int{code};
  }
}

TEST(RdpHandshake, APortWithoutListenerIsRefused) {
  asio::io_context io;
  tcp::socket bound{io, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};  // Keeps the port from others.
  const auto report = probe_rdp({"127.0.0.1", bound.local_endpoint().port()}, options(k_patience));
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_REFUSED) << report.detail();
  EXPECT_EQ(report.stage(), v1::PROBE_STAGE_RESOLVED);
  EXPECT_EQ(report.address(), "127.0.0.1");
  EXPECT_EQ(report.local_port(), 0U);
}

TEST(RdpHandshake, AnAddressWithoutRouteIsUnreachable) {
  const auto report = probe_rdp({"255.255.255.255", 3389}, options(k_patience));
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_UNREACHABLE) << report.detail();
}

TEST(RdpHandshake, IPv6Works) {
  std::unique_ptr<ScriptedServer> server;
  try {
    server = std::make_unique<ScriptedServer>(rdp_server(1, server_context(make_certificate())), "::1");
  } catch (const boost::system::system_error& error) {
    GTEST_SKIP() << "no IPv6 loopback here: " << error.what();
  }
  const auto report = probe_rdp({"::1", server->port()}, options(k_patience));
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_OK) << report.detail();
  EXPECT_EQ(report.address(), "::1");
  EXPECT_THAT(report.detail(), HasSubstr("[::1]:"));
}

TEST(RdpHandshake, EveryAddressOfANameIsTried) {
  if (!localhost_is_known()) GTEST_SKIP() << "the name localhost has no address here";
  // localhost is ::1 and 127.0.0.1 on most machines, in either order; the server is at only one of them.
  const ScriptedServer server{rdp_server(1, server_context(make_certificate())), "127.0.0.1"};
  const auto report = probe_rdp({"localhost", server.port()}, options(k_patience));
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_OK) << report.detail();
  EXPECT_EQ(report.address(), "127.0.0.1");
  EXPECT_EQ(report.host(), "localhost");
}

TEST(RdpHandshake, ANameWithoutAddressIsUnknown) {
  // RFC 6761 reserves .invalid. Where no resolver answers at all, the deadline says the same.
  const auto report = probe_rdp({"no-such-host.invalid", 3389}, options(2s));
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_NAME_UNKNOWN) << report.detail();
  EXPECT_EQ(report.stage(), v1::PROBE_STAGE_NONE);
  EXPECT_EQ(report.address(), "");
  EXPECT_THAT(report.detail(), HasSubstr("no-such-host.invalid"));
  expect_in_time(report, 2s);
}

}  // namespace
}  // namespace rdpmend
