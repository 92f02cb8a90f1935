// What people are told when the service cannot be reached, or does not want them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "agent-lib/support/asio.hpp"
#include "tests/cli/canned_answers.hpp"
#include "tests/cli/run.hpp"

namespace rdpmend::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string folder_of(const CannedService& service) {
  return to_utf8(path_from_utf8(service.profile()).parent_path());
}

Ran status_of(const CannedService& service, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"status", "--profile", service.profile()});
  return run(more);
}

TEST(Connection, AClosedPortIsUnreachable) {
  CannedService service;
  service.stop();
  const auto ran = status_of(service);
  EXPECT_EQ(ran.exit, 3);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, AllOf(HasSubstr("cannot reach the service at " + service.address()), HasSubstr("next: ")));
}

TEST(Connection, AServiceThatDoesNotAnswerIsUnreachableAfterTheTimeout) {
  Answers answers;
  answers.silent = true;
  const CannedService service(answers);
  const auto began = std::chrono::steady_clock::now();
  const auto ran = status_of(service, {"--timeout", "1"});
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds{900});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("did not answer within 1 s"), HasSubstr("--timeout")));
}

TEST(Connection, APortThatNeverSpeaksIsNoConnection) {
  asio::io_context io;
  asio::ip::tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
  const CannedService service;
  const auto ran = status_of(
      service, {"--timeout", "1", "--address", "127.0.0.1:" + std::to_string(acceptor.local_endpoint().port())});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.err, HasSubstr("no connection within 1 s"));
}

TEST(Connection, AnAddressWithoutAPortMeansOurs) {
  const CannedService service;
  EXPECT_THAT(status_of(service, {"--address", "no-such-host.invalid"}).err,
              HasSubstr("at no-such-host.invalid:30904"));
  EXPECT_THAT(status_of(service, {"--address", "::1"}).err, HasSubstr("at [::1]:30904"));
}

TEST(Connection, WhatIsNoAddressIsRefusedInOurWords) {
  const CannedService service;
  for (const std::string address : {"", "unix:", "unix:/tmp/x", "dns:", "dns:///host", "xds:", "xds:///host", ":30904",
                                    "host:0", "host:65536", "host:-1", "ipv4:127.0.0.1:1", "a b"}) {
    const auto ran = status_of(service, {"--address", address});
    EXPECT_EQ(ran.exit, 1) << address;
    EXPECT_THAT(ran.err, AllOf(HasSubstr("--address: "), HasSubstr("HOST:PORT"))) << address;
  }
}

TEST(Connection, AProfileWhoseAddressIsNoneIsNamed) {
  const CannedService service;
  auto profile = bytes_of(path_from_utf8(service.profile()));
  profile.replace(profile.find(service.address()), service.address().size(), "unix:/tmp/x");
  write_bytes(path_from_utf8(service.profile()), profile);
  const auto ran = status_of(service);
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("client.textproto: "), HasSubstr("HOST:PORT")));
}

TEST(Connection, AnotherServersCertificateIsNotAccepted) {
  const CannedService service;
  const CannedService other;
  const auto ran = status_of(service, {"--address", other.address()});
  EXPECT_EQ(ran.exit, 4);
  EXPECT_THAT(ran.err, HasSubstr("does not present the certificate that the profile names"));
}

TEST(Connection, AnExpiredServerCertificateIsCalledSo) {
  const CannedService service;
  // As if the profile's certificate had run out.
  const auto expired =
      make_test_certificate(CertificateRequest::Usage::server, "rdpmend", std::chrono::hours{-1}).certificate_pem;
  write_bytes(path_from_utf8(folder_of(service) + "/server.crt"), expired);
  const auto ran = status_of(service);
  EXPECT_EQ(ran.exit, 4);
  EXPECT_THAT(ran.err, HasSubstr("its certificate expired on"));
}

TEST(Connection, AServerOfAnotherNameIsNotAccepted) {
  const CannedService service;
  auto profile = bytes_of(path_from_utf8(service.profile()));
  profile.replace(profile.find("\"rdpmend\""), 9, "\"another\"");
  write_bytes(path_from_utf8(service.profile()), profile);
  const auto ran = status_of(service);
  EXPECT_EQ(ran.exit, 4);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("not for the name another"), HasSubstr("server_name")));
}

TEST(Connection, AMissingProfileSaysHowToGetOne) {
  const auto ran = run({"status", "--profile", "/no/such/client.textproto"});
  EXPECT_EQ(ran.exit, 4);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("/no/such/client.textproto"), HasSubstr("--profile")));
}

TEST(Connection, ADamagedProfileIsNamedWithItsLine) {
  const TempFolder folder;
  write_bytes(folder / "p.textproto", "address: \"127.0.0.1:1\"\nserver_nam: \"x\"\n");
  const auto ran = run({"status", "--profile", to_utf8(folder / "p.textproto")});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("p.textproto:2:"), HasSubstr("server_nam")));
}

TEST(Connection, AProfileWithoutItsKeyIsIncomplete) {
  const CannedService service;
  std::filesystem::remove(path_from_utf8(folder_of(service) + "/client.key"));
  const auto ran = status_of(service);
  EXPECT_EQ(ran.exit, 4);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("incomplete"), HasSubstr("client.key")));
}

TEST(Connection, AKeyThatIsNoneIsNotACrash) {
  const CannedService service;
  write_bytes(path_from_utf8(folder_of(service) + "/client.key"), "nonsense");
  const auto ran = status_of(service);
  EXPECT_EQ(ran.exit, 4);
  EXPECT_THAT(ran.err, HasSubstr("its client key is damaged"));
}

TEST(Connection, AKeyOfAnotherCertificateIsNoticed) {
  const CannedService service;
  const auto other = make_test_certificate(CertificateRequest::Usage::client, "other");
  write_bytes(path_from_utf8(folder_of(service) + "/client.key"), other.key_pem);
  const auto ran = status_of(service);
  EXPECT_EQ(ran.exit, 4);
  EXPECT_THAT(ran.err, HasSubstr("does not belong to its client certificate"));
}

TEST(Connection, AHugeProfileIsRefused) {
  const TempFolder folder;
  write_bytes(folder / "p.textproto", std::string(100'000, 'x'));
  EXPECT_EQ(run({"status", "--profile", to_utf8(folder / "p.textproto")}).exit, 1);
}

TEST(Refusal, TheServicesWordsAndHintAreShown) {
  v1::ErrorDetail detail;
  detail.set_code("conflict");
  detail.set_hint("Read the plan again");
  detail.set_os_error("win32 5");
  Answers answers;
  answers.refusal = {grpc::StatusCode::FAILED_PRECONDITION, "another plan waits by now", detail.SerializeAsString()};
  const CannedService service(answers);
  const auto ran = run({"approve", "42", "--profile", service.profile()});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_EQ(ran.err, "rdpmend: another plan waits by now (win32 5)\n   next: Read the plan again\n");
}

TEST(Refusal, EveryKindHasItsExitCode) {
  const std::map<std::string, int> expected{
      {"invalid_argument", 1}, {"not_found", 2},   {"already_exists", 2}, {"conflict", 2},  {"denied", 4},
      {"unauthenticated", 4},  {"unavailable", 3}, {"timeout", 2},        {"cancelled", 2}, {"exhausted", 2},
      {"unsupported", 2},      {"corrupt", 2},     {"internal", 2}};
  for (const auto& [code, exit] : expected) {
    v1::ErrorDetail detail;
    detail.set_code(code);
    const auto error = error_of({grpc::StatusCode::UNKNOWN, "x", detail.SerializeAsString()});
    EXPECT_EQ(to_string(error.code), code);
    EXPECT_EQ(static_cast<int>(exit_code_of(error.code)), exit) << code;
  }
}

TEST(Refusal, AnUntrustedCertificateIsExplained) {
  Answers answers;
  answers.refusal = {grpc::StatusCode::UNAUTHENTICATED, "the client certificate AB12 is not known to this host"};
  const CannedService service(answers);
  const auto ran = status_of(service);
  EXPECT_EQ(ran.exit, 4);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("does not trust"), HasSubstr(service.profile())));
}

TEST(Refusal, TheServicesOwnAdviceIsNotContradicted) {
  Answers answers;
  answers.refusal = {grpc::StatusCode::UNAUTHENTICATED, "not valid before 2031-01-01. Check the host's clock."};
  const CannedService service(answers);
  const auto ran = status_of(service);
  EXPECT_EQ(ran.exit, 4);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("Check the host's clock"), Not(HasSubstr("profile"))));
}

TEST(Refusal, AnExpiredClientCertificateIsExplained) {
  Answers answers;
  answers.refusal = {grpc::StatusCode::UNAUTHENTICATED, "this client certificate is not trusted"};
  const CannedService service(answers);
  const auto expired = make_test_certificate(CertificateRequest::Usage::client, "old", std::chrono::hours{-1});
  write_bytes(path_from_utf8(folder_of(service) + "/client.crt"), expired.certificate_pem);
  write_bytes(path_from_utf8(folder_of(service) + "/client.key"), expired.key_pem);
  const auto ran = status_of(service);
  EXPECT_EQ(ran.exit, 4);
  EXPECT_THAT(ran.err, HasSubstr("Your client certificate expired on"));
}

TEST(Watching, ALostConnectionIsMadeAgainWithoutLosingAnEntry) {
  auto story = canned_answers();
  const auto all = story.journal;
  story.journal.resize(5);
  CannedService service(story);
  const std::jthread restart([&](const std::stop_token& over) {
    while (service.watches() == 0 && !over.stop_requested()) std::this_thread::yield();
    story.journal = all;
    service.start_again(story);
  });
  const auto ran = run({"watch", "--incident", "42", "--profile", service.profile()});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.err, AllOf(HasSubstr("trying again"), HasSubstr("connected again, going on after #")));
  for (const auto& entry : all) {
    if (entry.seq() == 41) continue;  // Not about the incident.
    const auto number = "#" + std::to_string(entry.seq()) + " ";
    const auto first = ran.out.find(number);
    ASSERT_NE(first, std::string::npos) << number;
    EXPECT_EQ(ran.out.find(number, first + 1), std::string::npos) << number << " twice";
  }
}

TEST(Watching, AServiceThatWasNeverThereIsNotWaitedFor) {
  CannedService service;
  service.stop();
  EXPECT_EQ(run({"watch", "--profile", service.profile()}).exit, 3);
}

TEST(Interrupt, EndsACallThatIsUnderWay) {
  Answers answers;
  answers.silent = true;
  const CannedService service(answers);
  std::stop_source interrupt;
  std::jthread later([&] { interrupt.request_stop(); });
  const auto ran = run({"status", "--profile", service.profile(), "--timeout", "60"}, {}, interrupt.get_token());
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("interrupted"));
}

}  // namespace
}  // namespace rdpmend::cli
