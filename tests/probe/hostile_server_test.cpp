// A table of everything that can be at the other end of a connection, and what must be said of each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/probe/probing.hpp"

namespace rdpmend {
namespace {

using namespace test;
using testing::HasSubstr;

struct Hostile {
  friend void PrintTo(const Hostile& hostile, std::ostream* out) { *out << hostile.name; }
  std::string name;
  Script script;
  v1::ProbeOutcome outcome;
  v1::ProbeStage stage = v1::PROBE_STAGE_CONNECTED;
  std::string detail = {};         // A part of it.
  Duration deadline = k_patience;  // Short where the script stalls.
};

const std::string k_handshake_record = bytes("16 03 03 00 04 02 00 00 00");  // A ServerHello that ends too early.
const std::string k_warning_alert = bytes("15 03 03 00 02 01 64");           // no_renegotiation
const std::string k_fatal_alert = bytes("15 03 03 00 02 02 28");             // handshake_failure

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
      {"ClosesAfterHalfOfTpkt", after_request(sends_and_closes(bytes("0300"))), closed, v1::PROBE_STAGE_CONNECTED,
       "after 2 bytes"},
      {"ClosesAfterHalfOfConfirm", after_request(sends_and_closes(confirm(1).substr(0, 12))), closed,
       v1::PROBE_STAGE_CONNECTED, "after 12 bytes"},
      {"StallsAtOnce", k_stalls, v1::PROBE_OUTCOME_SILENT, v1::PROBE_STAGE_CONNECTED, "no complete answer", k_short},
      {"StallsAfterHalfOfConfirm", after_request(sends(confirm(1).substr(0, 12))), v1::PROBE_OUTCOME_SILENT,
       v1::PROBE_STAGE_CONNECTED, "after 12 bytes", k_short},
      {"DripsTooSlowly", after_request([](tcp::socket& socket) { drip(socket, confirm(1), 100ms); }),
       v1::PROBE_OUTCOME_SILENT, v1::PROBE_STAGE_CONNECTED, "", k_short},
      // Something else than RDP.
      {"SshBanner", sends("SSH-2.0-OpenSSH_9.2p1\r\n"), not_rdp, v1::PROBE_STAGE_CONNECTED, "SSH"},
      {"HttpAnswer", after_request(sends_and_closes("HTTP/1.1 400 Bad Request\r\n\r\n")), not_rdp,
       v1::PROBE_STAGE_CONNECTED, "HTTP"},
      {"TlsAlertInsteadOfConfirm", after_request(sends(k_fatal_alert)), not_rdp, v1::PROBE_STAGE_CONNECTED,
       "TLS alert"},
      {"Garbage", after_request(sends("\x7F\xFF\x01")), not_rdp, v1::PROBE_STAGE_CONNECTED, "0x7F"},
      {"EndlessGarbage", floods(std::string(65536, 'x')), not_rdp},
      {"AnnouncesTooLittle", after_request(sends(bytes("03000004"))), not_rdp},
      {"AnnouncesTooMuch", after_request(sends(bytes("0300FFFF"))), not_rdp, v1::PROBE_STAGE_CONNECTED, "65535"},
      {"EndlessAnswer", floods(bytes("03000200 FAD0") + std::string(65536, '\0')), not_rdp},
      {"DisconnectRequest", after_request(sends(bytes("0300000B 06800000123400"))), not_rdp},
      {"UnknownNegotiationType", after_request(sends(bytes("03000013 0ED00000123400 0700080001000000"))), not_rdp},
      {"ChoosesWhatWasNotOffered", after_request(sends(confirm(0x10))), not_rdp, v1::PROBE_STAGE_CONNECTED,
       "not offered"},
      // No TLS offered.
      {"ConfirmWithoutNegotiation", after_request(sends(bytes("0300000B 06D00000123400"))),
       v1::PROBE_OUTCOME_STANDARD_RDP_SECURITY, negotiated},
      {"ConfirmWithResponse0", after_request(sends(confirm(0))), v1::PROBE_OUTCOME_STANDARD_RDP_SECURITY, negotiated},
      {"FailureNoCertificate", after_request(sends(failure(3))), v1::PROBE_OUTCOME_NEGOTIATION_FAILURE, negotiated,
       "SSL_CERT_NOT_ON_SERVER"},
      {"FailureUnknown", after_request(sends(failure(77))), v1::PROBE_OUTCOME_NEGOTIATION_FAILURE, negotiated,
       "failure 77"},
      // Within TLS.
      {"ClosesAfterConfirm", after_request(sends_and_closes(confirm(1))), v1::PROBE_OUTCOME_TLS_CLOSED, negotiated},
      {"ResetsAfterConfirm", after_request([](tcp::socket& socket) {
         send(socket, confirm(1));
         read_something(socket);
         reset(socket);
       }),
       v1::PROBE_OUTCOME_TLS_CLOSED, negotiated},
      {"ClosesAfterHello", after_hello([](tcp::socket&) {}), v1::PROBE_OUTCOME_TLS_CLOSED, negotiated},
      {"ClosesAfterHalfOfRecord", after_hello(sends_and_closes(bytes("16 03 03 40 00 02"))),
       v1::PROBE_OUTCOME_TLS_CLOSED, negotiated},
      {"ResetsAfterHalfOfRecord", after_hello(sends_and_resets(bytes("16 03 03 40 00 02"))),
       v1::PROBE_OUTCOME_TLS_CLOSED, negotiated},
      {"SaysGoodbyeAfterHello", after_hello(sends(bytes("15 03 03 00 02 01 00"))), v1::PROBE_OUTCOME_TLS_CLOSED,
       negotiated},
      {"StallsAfterConfirm", after_request(sends(confirm(1))), v1::PROBE_OUTCOME_TLS_TIMEOUT, negotiated, "", k_short},
      {"StallsWithinRecord", after_hello(sends(bytes("16 03 03 40 00 02"))), v1::PROBE_OUTCOME_TLS_TIMEOUT, negotiated,
       "", k_short},
      {"SendsAlert", after_hello(sends(k_fatal_alert)), v1::PROBE_OUTCOME_TLS_ALERT, negotiated, "handshake failure"},
      {"SendsAlertAndCloses", after_hello(sends_and_closes(k_fatal_alert)), v1::PROBE_OUTCOME_TLS_ALERT, negotiated,
       "handshake failure"},
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

INSTANTIATE_TEST_SUITE_P(Table, HostileServer, testing::ValuesIn(hostile_servers()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace rdpmend
