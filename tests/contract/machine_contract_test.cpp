// Clock, sessions and listener.
#include "agent-lib/support/time.hpp"
#include "tests/contract/stage.hpp"

namespace rdpmend::contract {
namespace {

using namespace std::chrono_literals;

TEST_P(Contract, TheHostHasANameAndAKind) {
  EXPECT_NE(host.identity.name, "");
  EXPECT_NE(host.identity.kind, "");
}

TEST_P(Contract, TheHostTellsThisStartFromOthers) {
  EXPECT_NE(host.identity.boot_id, "");
}

TEST_P(Contract, WaitingTakesItsTime) {
  const auto steady = host.clock.steady();
  const auto now = host.clock.now();
  EXPECT_TRUE(host.clock.wait_for(30ms, {}));
  EXPECT_GE(host.clock.steady() - steady, 30ms);
  EXPECT_LT(host.clock.steady() - steady, 1min);
  EXPECT_GT(host.clock.now(), now);
}

TEST_P(Contract, AStoppedWaitIsNone) {
  std::stop_source stop;
  stop.request_stop();
  const auto steady = host.clock.steady();
  EXPECT_FALSE(host.clock.wait_for(1h, stop.get_token()));
  EXPECT_LT(host.clock.steady() - steady, 1min);
}

TEST_P(Contract, LocalTimeIsWithinADayOfUtc) {
  EXPECT_LE(host.clock.utc_offset(), 14h);
  EXPECT_GE(host.clock.utc_offset(), -12h);
}

TEST_P(Contract, SessionsAreThoseOfPeopleOrTheirServiceDoesNotAnswer) {
  const auto sessions = host.sessions.list();
  if (!sessions) {
    EXPECT_THAT(sessions.error().code, testing::AnyOf(ErrorCode::unavailable, ErrorCode::timeout));
    return;
  }
  for (const auto& session : *sessions) EXPECT_NE(session.id, 0U);
}

TEST_P(Contract, AClosedListenerIsSeenAndAProbeOfItIsAReport) {
  RDPMEND_REQUIRE(stage->close_listener());
  const auto state = host.listener.state();
  ASSERT_TRUE(state) << to_string(state.error());
  EXPECT_FALSE(state->listening);
  EXPECT_EQ(state->owner_pid, std::nullopt);
  EXPECT_NE(state->port, 0);
  EXPECT_NE(state->own_address, "");

  const auto report = host.listener.probe(ProbeFrom::loopback, 5s);
  ASSERT_TRUE(report) << to_string(report.error());
  EXPECT_EQ(report->outcome(), v1::PROBE_OUTCOME_REFUSED);
  EXPECT_EQ(report->port(), state->port);
  EXPECT_NE(report->detail(), "");
}

}  // namespace
}  // namespace rdpmend::contract
