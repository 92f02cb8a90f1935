// What the tests of the probe share: how they ask, what they expect of every report, and common scripts.
#pragma once

#include <gtest/gtest.h>

#include "agent-lib/probe/rdp_handshake.hpp"
#include "tests/probe/scripted_server.hpp"

namespace rdpmend::test {

using namespace std::chrono_literals;

// Generous: a loaded machine may be slow, and only a wait without end would be wrong.
inline constexpr auto k_patience = 15s;
inline constexpr auto k_short = 700ms;

inline ProbeOptions options(Duration deadline, std::uint32_t protocols = 0x0B) {
  return {deadline, protocols};
}

inline v1::ProbeReport probe(const ScriptedServer& server, ProbeOptions with = options(k_patience)) {
  return probe_rdp({"127.0.0.1", server.port()}, with);
}

inline void expect_in_time(const v1::ProbeReport& report, Duration deadline) {
  EXPECT_LT(from_proto(report.elapsed()), deadline + k_patience);
  EXPECT_FALSE(report.detail().empty());
  EXPECT_TRUE(report.detail().ends_with('.')) << report.detail();
  EXPECT_TRUE(report.meaning().ends_with('.')) << report.meaning();
}

inline std::shared_ptr<asio::ssl::context> server_context(const TestCertificate& certificate) {
  return std::make_shared<asio::ssl::context>(tls_server_context(certificate));
}

// Scripts that begin where most end: after the request, or after a confirm and the ClientHello.
inline Script after_request(Script then) {
  return [=](tcp::socket& socket) {
    read_request(socket);
    then(socket);
  };
}
inline Script after_hello(Script then) {
  return after_request([=](tcp::socket& socket) {
    send(socket, confirm(1));
    read_something(socket);
    then(socket);
  });
}
inline Script sends(std::string data) {
  return [=](tcp::socket& socket) {
    send(socket, data);
    wait_for_close(socket);
  };
}
inline Script sends_and_closes(std::string data) {
  return [=](tcp::socket& socket) { send(socket, data); };
}
inline Script sends_and_resets(std::string data) {
  return [=](tcp::socket& socket) {
    send(socket, data);
    reset(socket);
  };
}
inline Script floods(std::string data) {
  return [=](tcp::socket& socket) { send_without_end(socket, data); };
}
inline const Script k_stalls = [](tcp::socket& socket) { wait_for_close(socket); };

}  // namespace rdpmend::test
