// Whatever makes a subscription fall silent, the reader finds it within a minute and loses nothing.
#include "agent-lib/engine/event_reader.hpp"
#include "agent-lib/events/event_xml.hpp"
#include "tests/contract/stage.hpp"

namespace rdpmend::contract {
namespace {

using namespace std::chrono_literals;

constexpr int k_most_rounds = 1000;

// The host's clock, moved on by hand: a minute that nobody waits for.
class JumpingClock final : public Clock {
 public:
  explicit JumpingClock(const Clock& real) : real_(real) {}
  WallTime now() const override { return real_.now() + ahead_; }
  SteadyTime steady() const override { return real_.steady() + ahead_; }
  Result<std::optional<TimeReference>> reference() const override { return real_.reference(); }
  bool wait_for(Duration duration, std::stop_token) const override {
    ahead_ += duration;
    return true;
  }

 private:
  const Clock& real_;
  mutable Duration ahead_{};
};

class Follower {
 public:
  Follower(const HostControl& host, const ChannelQuery& query)
      : clock_(host.clock),
        reader_({host.identity, clock_, host.events, host.registry, host.certificates, host.key_files, host.services,
                 host.firewall, host.sessions, host.listener},
                {query}, {},
                {[this](const std::string&, EventBatch batch, const std::function<void()>& taken) {
                   for (const auto& xml : batch.xml) records.push_back(parse_event(xml).value().record_id);
                   gap |= batch.gap;
                   taken();
                 },
                 [](const std::string& where, const std::string& what) { ADD_FAILURE() << where << ": " << what; },
                 [this](const v1::ChannelReopened& what) { reopened.push_back(what); }}) {}

  // Rounds as the reader's thread makes them, until so many events were read or the time is over.
  void follow(std::size_t wanted, Duration at_most) {
    const auto end = clock_.steady() + at_most;
    for (int rounds = 0; rounds < k_most_rounds && clock_.steady() < end; ++rounds) {
      const auto again = reader_.read_once();
      if (records.size() >= wanted) return;
      clock_.wait_for(std::min(again, end - clock_.steady()), {});
    }
  }

  std::vector<std::uint64_t> records;
  bool gap = false;
  std::vector<v1::ChannelReopened> reopened;

 private:
  JumpingClock clock_;
  EventReader reader_;
};

void found_within_a_minute(Stage& stage, Silence how) {
  const auto host = stage.host();
  const auto kind = stage.event_kind();
  RDPMEND_REQUIRE(kind);
  Follower follower(host, {kind->channel, "*[System[EventID=" + std::to_string(kind->id) + "]]"});
  follower.follow(0, 1s);
  RDPMEND_REQUIRE(stage.log_event());
  follower.follow(1, 10s);
  ASSERT_EQ(follower.records.size(), 1U);

  RDPMEND_REQUIRE(stage.silence(how));
  for (int i = 0; i < 3; ++i) RDPMEND_REQUIRE(stage.log_event());
  follower.follow(4, 1min);
  const auto first = follower.records.front();
  EXPECT_EQ(follower.records, (std::vector{first, first + 1, first + 2, first + 3}));
  EXPECT_FALSE(follower.gap);
  EXPECT_EQ(follower.reopened.size(), how == Silence::passed_over ? 0U : 1U);

  RDPMEND_REQUIRE(stage.log_event());
  follower.follow(5, 10s);
  EXPECT_EQ(follower.records.size(), 5U) << "it is alive again";
}

TEST_P(Contract, SubscriptionsThatDieInARestartAndSayThatNothingIsThereAreFound) {
  found_within_a_minute(*stage, Silence::restart_unnoticed);
}
TEST_P(Contract, SubscriptionsThatDieInARestartAndSayInvalidOperationAreFound) {
  found_within_a_minute(*stage, Silence::restart_invalid_operation);
}
TEST_P(Contract, SubscriptionsThatDieInARestartAndSayInvalidHandleAreFound) {
  found_within_a_minute(*stage, Silence::restart_invalid_handle);
}
TEST_P(Contract, SubscriptionsThatDieInARestartAndSayAnRpcErrorAreFound) {
  found_within_a_minute(*stage, Silence::restart_rpc_error);
}
TEST_P(Contract, ASubscriptionThatFallsSilentByItselfIsFound) {
  found_within_a_minute(*stage, Silence::mute);
}
TEST_P(Contract, EventsThatWerePassedOverBecauseTheyDidNotFitAreReadAfterAll) {
  found_within_a_minute(*stage, Silence::passed_over);
}

}  // namespace
}  // namespace rdpmend::contract
