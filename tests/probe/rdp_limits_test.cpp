// Deadlines and requests to stop: no probe takes longer than it may.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/probe/probing.hpp"

namespace rdpmend {
namespace {

using namespace test;

// Linux drops connection requests while the backlog is full, so that they look filtered.
class FullBacklog {
 public:
  FullBacklog() {
    acceptor_.listen(0);
    for (auto& socket : queued_)
      socket.async_connect(acceptor_.local_endpoint(), [](const boost::system::error_code&) {});
    io_.run_for(100ms);
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  asio::io_context io_;
  tcp::acceptor acceptor_{io_, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
  std::array<tcp::socket, 4> queued_{tcp::socket{io_}, tcp::socket{io_}, tcp::socket{io_}, tcp::socket{io_}};
};

TEST(RdpLimits, APortThatDoesNotAnswerTimesOut) {
  const FullBacklog silent;
  const auto report = probe_rdp({"127.0.0.1", silent.port()}, options(k_short));
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_CONNECT_TIMEOUT) << report.detail();
  EXPECT_GE(from_proto(report.elapsed()), k_short);
  expect_in_time(report, k_short);
}

TEST(RdpLimits, ADeadlineOfNothingOrLessEndsAtOnce) {
  const ScriptedServer server{k_stalls};
  for (const Duration deadline : {Duration{0}, Duration{-5s}, Duration::min()}) {
    const auto report = probe(server, options(deadline));
    EXPECT_THAT(report.outcome(), testing::AnyOf(v1::PROBE_OUTCOME_CONNECT_TIMEOUT, v1::PROBE_OUTCOME_SILENT));
    expect_in_time(report, 0s);
  }
}

TEST(RdpLimits, AnAbsurdDeadlineDoesNotOverflow) {
  const ScriptedServer server{[](tcp::socket&) {}};
  EXPECT_EQ(probe(server, options(Duration::max())).outcome(), v1::PROBE_OUTCOME_CLOSED_BEFORE_CONFIRM);
}

TEST(RdpLimits, ARequestToStopBeforeItBeginsEndsIt) {
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
  auto waiting = std::async(std::launch::async, [&] {
    return probe_rdp({"127.0.0.1", server.port()}, options(5min), stop.get_token());
  });
  EXPECT_EQ(reached.get_future().wait_for(k_patience), std::future_status::ready);
  stop.request_stop();
  const auto report = waiting.get();
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_CANCELLED) << report.detail();
  expect_in_time(report, k_patience);
}

INSTANTIATE_TEST_SUITE_P(Points, Stopped,
                         testing::Values(StopPoint{"WaitingForConfirm",
                                                   [](tcp::socket& socket) { read_request(socket); }},
                                         StopPoint{"WithinConfirm",
                                                   [](tcp::socket& socket) {
                                                     read_request(socket);
                                                     send(socket, confirm(1).substr(0, 7));
                                                   }},
                                         StopPoint{"WithinTls",
                                                   [](tcp::socket& socket) {
                                                     read_request(socket);
                                                     send(socket, confirm(1));
                                                     read_something(socket);
                                                   }}),
                         [](const auto& test) { return test.param.name; });

TEST(RdpLimits, ARequestToStopEndsConnecting) {
  const FullBacklog silent;
  std::stop_source stop;
  auto waiting = std::async(std::launch::async, [&] {
    return probe_rdp({"127.0.0.1", silent.port()}, options(5min), stop.get_token());
  });
  // Time to begin connecting; should it not have begun, the outcome is the same.
  std::this_thread::sleep_for(50ms);
  stop.request_stop();
  const auto report = waiting.get();
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_CANCELLED) << report.detail();
  expect_in_time(report, k_patience);
}

}  // namespace
}  // namespace rdpmend
