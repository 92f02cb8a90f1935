// The probe against everything that can be at the other end of a connection: a table of servers and what must be said of each.
#include "agent-lib/probe/rdp_handshake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/probe/scripted_server.hpp"

namespace rdpmend {
namespace {

using namespace std::chrono_literals;
using namespace test;
using testing::HasSubstr;

// Generous: a loaded machine may be slow, and only a wait without end would be wrong.
constexpr auto k_patience = 15s;
constexpr auto k_short = 250ms;

ProbeOptions options(Duration deadline, std::uint32_t protocols = 0x0B) { return {deadline, protocols}; }

v1::ProbeReport probe(const ScriptedServer& server, ProbeOptions with = options(k_patience)) {
  return probe_rdp({"127.0.0.1", server.port()}, with);
}

void expect_in_time(const v1::ProbeReport& report, Duration deadline) {
  EXPECT_LT(from_proto(report.elapsed()), deadline + k_patience);
  EXPECT_FALSE(report.detail().empty());
  EXPECT_TRUE(report.detail().ends_with('.')) << report.detail();
  EXPECT_TRUE(report.meaning().ends_with('.')) << report.meaning();
}

std::shared_ptr<asio::ssl::context> server_context(const TestCertificate& certificate) {
  return std::make_shared<asio::ssl::context>(tls_server_context(certificate));
}

// Scripts that begin where most end: after the request, or after a confirm and the ClientHello.
Script after_request(Script then) {
  return [=](tcp::socket& socket) {
    read_request(socket);
    then(socket);
  };
}
Script after_hello(Script then) {
  return after_request([=](tcp::socket& socket) {
    send(socket, confirm(1));
    read_something(socket);
    then(socket);
  });
}
Script sends(std::string data) {
  return [=](tcp::socket& socket) {
    send(socket, data);
    wait_for_close(socket);
  };
}
Script sends_and_closes(std::string data) {
  return [=](tcp::socket& socket) { send(socket, data); };
}
Script sends_and_resets(std::string data) {
  return [=](tcp::socket& socket) {
    send(socket, data);
    reset(socket);
  };
}
Script floods(std::string data) {
  return [=](tcp::socket& socket) { send_without_end(socket, data); };
}
const Script k_stalls = [](tcp::socket& socket) { wait_for_close(socket); };

struct Hostile {
  friend void PrintTo(const Hostile& hostile, std::ostream* out) { *out << hostile.name; }
  std::string name;
  Script script;
  v1::ProbeOutcome outcome;
  v1::ProbeStage stage = v1::PROBE_STAGE_CONNECTED;
  std::string detail = {};          // A part of it.
  Duration deadline = k_patience;   // Short where the script stalls.
};

const std::string k_handshake_record = bytes("16 03 03 00 04 02 00 00 00");   // A ServerHello that ends too early.
const std::string k_warning_alert = bytes("15 03 03 00 02 01 64");            // no_renegotiation
const std::string k_fatal_alert = bytes("15 03 03 00 02 02 28");              // handshake_failure

std::vector<Hostile> hostile_servers() {
  const auto negotiated = v1::PROBE_STAGE_NEGOTIATED;
  const auto closed = v1::PROBE_OUTCOME_CLOSED_BEFORE_CONFIRM;
  const auto not_rdp = v1::PROBE_OUTCOME_NOT_RDP;
  const auto tls_broken = v1::PROBE_OUTCOME_TLS_PROTOCOL;
  return {
      // Before the confirm.
      {"ClosesAtOnce", [](tcp::socket&) {}, closed},
      {"ResetsAtOnce", [](tcp::socket& socket) { reset(socket); }, closed},
      {"ClosesAfterRequest", after_request([](tcp::socket&) {}), closed},
      {"ResetsAfterRequest", after_request([](tcp::socket& socket) { reset(socket); }), closed},
      {"ClosesAfterHalfOfTpkt", after_request(sends_and_closes(bytes("0300"))), closed, v1::PROBE_STAGE_CONNECTED, "after 2 bytes"},
      {"ClosesAfterHalfOfConfirm", after_request(sends_and_closes(confirm(1).substr(0, 12))), closed, v1::PROBE_STAGE_CONNECTED, "after 12 bytes"},
      {"StallsAtOnce", k_stalls, v1::PROBE_OUTCOME_SILENT, v1::PROBE_STAGE_CONNECTED, "no complete answer", k_short},
      {"StallsAfterHalfOfConfirm", after_request(sends(confirm(1).substr(0, 12))), v1::PROBE_OUTCOME_SILENT, v1::PROBE_STAGE_CONNECTED, "after 12 bytes", k_short},
      {"DripsTooSlowly", after_request([](tcp::socket& socket) { drip(socket, confirm(1), 100ms); }), v1::PROBE_OUTCOME_SILENT, v1::PROBE_STAGE_CONNECTED, "", k_short},
      // Something else than RDP.
      {"SshBanner", sends("SSH-2.0-OpenSSH_9.2p1\r\n"), not_rdp, v1::PROBE_STAGE_CONNECTED, "SSH"},
      {"HttpAnswer", after_request(sends_and_closes("HTTP/1.1 400 Bad Request\r\n\r\n")), not_rdp, v1::PROBE_STAGE_CONNECTED, "HTTP"},
      {"TlsAlertInsteadOfConfirm", after_request(sends(k_fatal_alert)), not_rdp, v1::PROBE_STAGE_CONNECTED, "TLS alert"},
      {"Garbage", after_request(sends("\x7F\xFF\x01")), not_rdp, v1::PROBE_STAGE_CONNECTED, "0x7F"},
      {"EndlessGarbage", floods(std::string(65536, 'x')), not_rdp},
      {"AnnouncesTooLittle", after_request(sends(bytes("03000004"))), not_rdp},
      {"AnnouncesTooMuch", after_request(sends(bytes("0300FFFF"))), not_rdp, v1::PROBE_STAGE_CONNECTED, "65535"},
      {"EndlessAnswer", floods(bytes("03000200 FAD0") + std::string(65536, '\0')), not_rdp},
      {"DisconnectRequest", after_request(sends(bytes("0300000B 06800000123400"))), not_rdp},
      {"UnknownNegotiationType", after_request(sends(bytes("03000013 0ED00000123400 0700080001000000"))), not_rdp},
      {"ChoosesWhatWasNotOffered", after_request(sends(confirm(0x10))), not_rdp, v1::PROBE_STAGE_CONNECTED, "not offered"},
      // No TLS offered.
      {"ConfirmWithoutNegotiation", after_request(sends(bytes("0300000B 06D00000123400"))), v1::PROBE_OUTCOME_STANDARD_RDP_SECURITY, negotiated},
      {"ConfirmWithResponse0", after_request(sends(confirm(0))), v1::PROBE_OUTCOME_STANDARD_RDP_SECURITY, negotiated},
      {"FailureNoCertificate", after_request(sends(failure(3))), v1::PROBE_OUTCOME_NEGOTIATION_FAILURE, negotiated, "SSL_CERT_NOT_ON_SERVER"},
      {"FailureUnknown", after_request(sends(failure(77))), v1::PROBE_OUTCOME_NEGOTIATION_FAILURE, negotiated, "failure 77"},
      // Within TLS.
      {"ClosesAfterConfirm", after_request(sends_and_closes(confirm(1))), v1::PROBE_OUTCOME_TLS_CLOSED, negotiated},
      {"ResetsAfterConfirm", after_request([](tcp::socket& socket) {
         send(socket, confirm(1));
         read_something(socket);
         reset(socket);
       }),
       v1::PROBE_OUTCOME_TLS_CLOSED, negotiated},
      {"ClosesAfterHello", after_hello([](tcp::socket&) {}), v1::PROBE_OUTCOME_TLS_CLOSED, negotiated},
      {"ClosesAfterHalfOfRecord", after_hello(sends_and_closes(bytes("16 03 03 40 00 02"))), v1::PROBE_OUTCOME_TLS_CLOSED, negotiated},
      {"ResetsAfterHalfOfRecord", after_hello(sends_and_resets(bytes("16 03 03 40 00 02"))), v1::PROBE_OUTCOME_TLS_CLOSED, negotiated},
      {"SaysGoodbyeAfterHello", after_hello(sends(bytes("15 03 03 00 02 01 00"))), v1::PROBE_OUTCOME_TLS_CLOSED, negotiated},
      {"StallsAfterConfirm", after_request(sends(confirm(1))), v1::PROBE_OUTCOME_TLS_TIMEOUT, negotiated, "", k_short},
      {"StallsWithinRecord", after_hello(sends(bytes("16 03 03 40 00 02"))), v1::PROBE_OUTCOME_TLS_TIMEOUT, negotiated, "", k_short},
      {"SendsAlert", after_hello(sends(k_fatal_alert)), v1::PROBE_OUTCOME_TLS_ALERT, negotiated, "handshake failure"},
      {"SendsAlertAndCloses", after_hello(sends_and_closes(k_fatal_alert)), v1::PROBE_OUTCOME_TLS_ALERT, negotiated, "handshake failure"},
      {"HttpInTls", after_hello(sends("HTTP/1.1 400 Bad Request\r\n\r\n")), tls_broken, negotiated},
      {"GarbageInTls", after_hello(sends(std::string(64, '\xEE'))), tls_broken, negotiated},
      {"ShortServerHello", after_hello(sends(k_handshake_record)), tls_broken, negotiated},
      {"OversizedRecord", after_hello(sends(bytes("16 03 03 FF FF"))), tls_broken, negotiated},
      {"EndlessGarbageInTls", after_hello(floods(std::string(65536, 'x'))), tls_broken, negotiated},
      {"EndlessAlerts", after_hello(floods(k_warning_alert)), tls_broken, negotiated},
      {"EndlessRecords", after_hello(floods(k_handshake_record)), tls_broken, negotiated},
      {"TrailingBytesAfterConfirm", after_request(sends(confirm(1) + std::string(32, 'x'))), tls_broken, negotiated},
  };
}

class HostileServer : public testing::TestWithParam<Hostile> {};

TEST_P(HostileServer, IsReportedForWhatItDid) {
  const auto& expected = GetParam();
  const ScriptedServer server{expected.script};
  const auto report = probe(server, options(expected.deadline));
  EXPECT_EQ(v1::ProbeOutcome_Name(report.outcome()), v1::ProbeOutcome_Name(expected.outcome)) << report.detail();
  EXPECT_EQ(v1::ProbeStage_Name(report.stage()), v1::ProbeStage_Name(expected.stage));
  EXPECT_THAT(report.detail(), HasSubstr(expected.detail));
  EXPECT_EQ(report.address(), "127.0.0.1");
  const bool may_have_lost_its_port = expected.name == "ResetsAtOnce";
  EXPECT_TRUE(may_have_lost_its_port || report.local_port() != 0);
  EXPECT_FALSE(report.has_certificate());
  EXPECT_TRUE(report.tls_protocol().empty());
  expect_in_time(report, expected.deadline);
  const bool waits_for_deadline = expected.deadline == k_short;
  EXPECT_TRUE(!waits_for_deadline || from_proto(report.elapsed()) >= k_short);
}

INSTANTIATE_TEST_SUITE_P(Table, HostileServer, testing::ValuesIn(hostile_servers()), [](const auto& test) { return test.param.name; });

// --- the way it should be ---

TEST(RdpHandshake, ReportsEverythingAboutAGoodListener) {
  const auto certificate = make_certificate();
  std::uint16_t seen_port = 0;
  std::string seen_request;
  const ScriptedServer server{[&](tcp::socket& socket) {
    seen_port = socket.remote_endpoint().port();
    seen_request = read_request(socket);
    send(socket, confirm(8));
    auto context = tls_server_context(certificate);
    asio::ssl::stream<tcp::socket&> stream{socket, context};
    boost::system::error_code ignored;
    stream.handshake(asio::ssl::stream_base::server, ignored);
    wait_for_close(socket);
  }};
  const auto before = std::chrono::system_clock::now();
  const auto report = probe(server);

  ASSERT_EQ(report.outcome(), v1::PROBE_OUTCOME_OK) << report.detail();
  EXPECT_EQ(report.stage(), v1::PROBE_STAGE_TLS);
  EXPECT_EQ(report.host(), "127.0.0.1");
  EXPECT_EQ(report.port(), server.port());
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

TEST(RdpHandshake, NamesAreToldToTheServerAndAddressesAreNot) {
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

// --- addresses ---

TEST(RdpHandshake, APortWithoutListenerIsRefused) {
  asio::io_context io;
  tcp::socket bound{io, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};  // Keeps the port from others.
  const auto report = probe_rdp({"127.0.0.1", bound.local_endpoint().port()}, options(k_patience));
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_REFUSED) << report.detail();
  EXPECT_EQ(report.stage(), v1::PROBE_STAGE_RESOLVED);
  EXPECT_EQ(report.address(), "127.0.0.1");
  EXPECT_EQ(report.local_port(), 0U);
}

// Linux drops connection requests while the backlog is full, so that they look filtered.
class FullBacklog {
 public:
  FullBacklog() {
    acceptor_.listen(0);
    for (auto& socket : queued_) socket.async_connect(acceptor_.local_endpoint(), [](const boost::system::error_code&) {});
    io_.run_for(100ms);
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  asio::io_context io_;
  tcp::acceptor acceptor_{io_, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
  std::array<tcp::socket, 4> queued_{tcp::socket{io_}, tcp::socket{io_}, tcp::socket{io_}, tcp::socket{io_}};
};

TEST(RdpHandshake, APortThatDoesNotAnswerTimesOut) {
  const FullBacklog silent;
  const auto report = probe_rdp({"127.0.0.1", silent.port()}, options(k_short));
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_CONNECT_TIMEOUT) << report.detail();
  EXPECT_GE(from_proto(report.elapsed()), k_short);
  expect_in_time(report, k_short);
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

// --- limits ---

TEST(RdpHandshake, ADeadlineOfNothingOrLessEndsAtOnce) {
  const ScriptedServer server{k_stalls};
  for (const Duration deadline : {Duration{0}, Duration{-5s}, Duration::min()}) {
    const auto report = probe(server, options(deadline));
    EXPECT_THAT(report.outcome(), testing::AnyOf(v1::PROBE_OUTCOME_CONNECT_TIMEOUT, v1::PROBE_OUTCOME_SILENT));
    expect_in_time(report, 0s);
  }
}

TEST(RdpHandshake, AnAbsurdDeadlineDoesNotOverflow) {
  const ScriptedServer server{[](tcp::socket&) {}};
  EXPECT_EQ(probe(server, options(Duration::max())).outcome(), v1::PROBE_OUTCOME_CLOSED_BEFORE_CONFIRM);
}

TEST(RdpHandshake, ARequestToStopBeforeItBeginsEndsIt) {
  std::stop_source stop;
  stop.request_stop();
  const auto report = probe_rdp({"127.0.0.1", 3389}, options(k_patience), stop.get_token());
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_CANCELLED);
  expect_in_time(report, 0s);
}

struct StopPoint {
  std::string name;
  Script before;  // What the server does until the probe surely waits.
};
class Stopped : public testing::TestWithParam<StopPoint> {};

TEST_P(Stopped, EndsLongBeforeTheDeadline) {
  std::promise<void> reached;
  const ScriptedServer server{[&](tcp::socket& socket) {
    GetParam().before(socket);
    reached.set_value();
    wait_for_close(socket);
  }};
  std::stop_source stop;
  auto waiting = std::async(std::launch::async, [&] { return probe_rdp({"127.0.0.1", server.port()}, options(5min), stop.get_token()); });
  EXPECT_EQ(reached.get_future().wait_for(k_patience), std::future_status::ready);
  stop.request_stop();
  const auto report = waiting.get();
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_CANCELLED) << report.detail();
  expect_in_time(report, k_patience);
}

INSTANTIATE_TEST_SUITE_P(Points, Stopped,
                         testing::Values(StopPoint{"WaitingForConfirm", [](tcp::socket& socket) { read_request(socket); }},
                                         StopPoint{"WithinConfirm", [](tcp::socket& socket) {
                                                     read_request(socket);
                                                     send(socket, confirm(1).substr(0, 7));
                                                   }},
                                         StopPoint{"WithinTls", [](tcp::socket& socket) {
                                                     read_request(socket);
                                                     send(socket, confirm(1));
                                                     read_something(socket);
                                                   }}),
                         [](const auto& test) { return test.param.name; });

TEST(RdpHandshake, ARequestToStopEndsConnecting) {
  const FullBacklog silent;
  std::stop_source stop;
  auto waiting = std::async(std::launch::async, [&] { return probe_rdp({"127.0.0.1", silent.port()}, options(5min), stop.get_token()); });
  // Whether it already connects or has not begun: the outcome is the same.
  stop.request_stop();
  const auto report = waiting.get();
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_CANCELLED) << report.detail();
  expect_in_time(report, k_patience);
}

}  // namespace
}  // namespace rdpmend
