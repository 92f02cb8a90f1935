// What was counted of events survives restarts, clocks that are set and logs that begin anew, each event once; and
// where the log cannot be read it is not known.
#include "agent-lib/engine/tallies.hpp"

#include <gmock/gmock.h>

#include "agent-lib/engine/intake.hpp"
#include "tests/engine/rehearsed_engine.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string k_flood = "logon_flood";
const std::string k_tunnel = "loopback_tunnel";
const std::string k_core = "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational";

v1::SimChange refused_logons(std::uint32_t times, const std::string& source = "203.0.113.9") {
  v1::SimChange change;
  auto& event = *change.add_events();
  event.set_channel(k_core);
  event.set_provider("Microsoft-Windows-RemoteDesktopServices-RdpCoreTS");
  event.set_event_id(140);
  event.set_times(times);
  auto& data = *event.add_data();
  data.set_name("IPString");
  data.set_value(source);
  return change;
}

v1::SimChange clock_set(Duration offset) {
  v1::SimChange change;
  *change.mutable_clock()->mutable_offset() = to_proto_duration(offset);
  return change;
}

v1::SimChange readable(const std::string& channel, bool is) {
  v1::SimChange change;
  (is ? change.mutable_event_log()->add_readable() : change.mutable_event_log()->add_unreadable())->assign(channel);
  return change;
}

// A host, its log and its journal, over several lives of the service.
class TalliesTest : public testing::Test {
 protected:
  std::unique_ptr<RehearsedEngine> service() { return std::make_unique<RehearsedEngine>(host_, journal_); }
  bool is(const RehearsedEngine& engine, const std::string& fault, v1::IncidentState state) {
    return engine.in_state(fault, state);
  }
  std::size_t signals() const { return count_entries(journal_, v1::JournalEntry::kSignalRaised); }
  std::size_t failed_looks() const { return count_entries(journal_, v1::JournalEntry::kLookFailed); }

  sim::SimHost host_{scenario("healthy"), {}};
  sim::MemoryJournal journal_;
};

TEST_F(TalliesTest, EventsThatAreCountedMakeNoEntriesAndOneLook) {
  const auto engine = service();
  engine->run_for(1min);
  const auto before = all_entries(journal_).size();
  host_.change(refused_logons(119));
  engine->run_for(1min);
  EXPECT_EQ(all_entries(journal_).size(), before);
  host_.change(refused_logons(5000));
  engine->run_for(1min);
  EXPECT_TRUE(is(*engine, k_flood, v1::INCIDENT_STATE_ESCALATED));
  EXPECT_EQ(signals(), 1U);
  EXPECT_LE(all_entries(journal_).size(), before + 5);
}

TEST_F(TalliesTest, TheIncidentIsOverWhenTheWindowNoLongerHoldsTheEvents) {
  const auto engine = service();
  host_.change(refused_logons(200));
  engine->run_for(50min);
  EXPECT_TRUE(is(*engine, k_flood, v1::INCIDENT_STATE_ESCALATED)) << "sweeps see it as well as the signal did";
  engine->run_for(30min);
  EXPECT_TRUE(is(*engine, k_flood, v1::INCIDENT_STATE_CLEARED));
}

TEST_F(TalliesTest, WhatWasLoggedBeforeTheStartCounts) {
  host_.change(refused_logons(200));
  host_.advance(10min);
  const auto engine = service();
  engine->run_for(1min);
  EXPECT_TRUE(is(*engine, k_flood, v1::INCIDENT_STATE_ESCALATED));
  EXPECT_EQ(failed_looks(), 0U);
}

TEST_F(TalliesTest, ARestartForgetsNothingAndCountsNothingTwice) {
  auto engine = service();
  engine->run_for(1min);
  host_.change(refused_logons(60));
  engine->run_for(1min);
  engine.reset();
  host_.change(refused_logons(40));  // In the log, and after the bookmark.
  engine = service();
  engine->run_for(20min);
  EXPECT_EQ(engine->incident(k_flood), nullptr) << "100 of 120";
  host_.change(refused_logons(20));
  engine->run_for(1min);
  EXPECT_TRUE(is(*engine, k_flood, v1::INCIDENT_STATE_ESCALATED));
}

TEST_F(TalliesTest, AClockThatIsSetMovesNoWindow) {
  for (const Duration offset : {Duration(-24h), Duration(24h)}) {
    sim::SimHost host(scenario("healthy"), {});
    sim::MemoryJournal journal;
    RehearsedEngine engine(host, journal);
    engine.run_for(1min);
    host.change(refused_logons(100));
    engine.run_for(1min);
    host.change(clock_set(offset));
    engine.run_for(1min);
    host.change(refused_logons(30));
    engine.run_for(20min);
    ASSERT_NE(engine.incident(k_flood), nullptr) << to_human(offset);
    EXPECT_TRUE(engine.in_state(k_flood, v1::INCIDENT_STATE_ESCALATED));
    engine.run_for(1h);
    EXPECT_TRUE(engine.in_state(k_flood, v1::INCIDENT_STATE_CLEARED)) << to_human(offset);
  }
}

TEST_F(TalliesTest, ALogThatCannotBeReadIsNotHealthy) {
  host_.change(readable(k_core, false));
  const auto engine = service();
  engine->run_for(2h);
  EXPECT_EQ(engine->incident(k_flood), nullptr);
  ASSERT_EQ(failed_looks(), 1U) << "said once";
  for (const auto& entry : all_entries(journal_)) {
    if (!entry.has_look_failed()) continue;
    EXPECT_EQ(entry.fault_id(), k_flood);
    EXPECT_THAT(entry.look_failed().reason(), HasSubstr("access is denied"));
  }
}

TEST_F(TalliesTest, ALogThatCanBeReadAgainIsReadBack) {
  host_.change(readable(k_core, false));
  const auto engine = service();
  engine->run_for(1min);
  host_.change(refused_logons(200));
  host_.change(readable(k_core, true));
  engine->run_for(31min);
  EXPECT_TRUE(is(*engine, k_flood, v1::INCIDENT_STATE_ESCALATED));
}

TEST_F(TalliesTest, AnIncidentStaysOpenWhileTheLogCannotBeRead) {
  auto engine = service();
  host_.change(refused_logons(200));
  engine->run_for(1min);
  engine.reset();
  host_.change(readable(k_core, false));
  engine = service();
  engine->run_for(2h);
  EXPECT_TRUE(is(*engine, k_flood, v1::INCIDENT_STATE_ESCALATED));
}

TEST_F(TalliesTest, OurOwnHandshakesAreNoConnectionsThatCount) {
  const auto counted = [&](const RehearsedEngine& engine) {
    std::string found;
    for (const auto& one : engine.incident(k_tunnel)->diagnosis().evidence()) {
      if (one.what().starts_with("connections from loopback")) found = one.found();
    }
    return found;
  };
  const auto tunnel = [&] {
    const auto story = scenario("loopback-tunnel");
    for (const auto& change : story.changes()) host_.change(change);
  };
  const auto engine = service();
  engine->run_for(3h);  // A dozen sweeps.
  tunnel();
  engine->run_for(1min);
  ASSERT_NE(engine->incident(k_tunnel), nullptr);
  EXPECT_EQ(counted(*engine), "1 in 1 d");
}

// Without an engine: what is counted when, and what is known.
struct Bench {
  Result<TallySnapshot> counted() const { return tallies.snapshot().of("logon_refused"); }
  bool read_back() { return tallies.read_back(host.control().events, probes); }
  // What the reader delivers now.
  void deliver() {
    EventBatch batch;
    do {
      batch = subscription->next(1000).value();
      (void)intake.take(k_core, batch, clock.steady());
    } while (!batch.xml.empty());
  }

  sim::SimHost host{scenario("healthy"), {}};
  const Clock& clock = host.control().clock;
  Catalogue catalogue = Catalogue::built_in();
  OwnProbes probes{host.control().listener, clock};
  Tallies tallies{catalogue.rules(), clock};
  Intake intake{catalogue, probes, tallies};
  std::unique_ptr<EventSubscription> subscription =
      host.control().events.subscribe({k_core, "*"}, std::nullopt).value();
};

TEST(Tallies, KnowNothingBeforeTheLogIsReadBack) {
  Bench bench;
  EXPECT_FALSE(bench.counted());
  EXPECT_TRUE(bench.read_back());
  EXPECT_EQ(bench.counted().value().total, 0U);
  EXPECT_EQ(bench.tallies.snapshot().of("no_such_rule").error().code, ErrorCode::unsupported);
}

TEST(Tallies, AnEventThatIsDeliveredAndReadBackCountsOnce) {
  for (const bool delivered_first : {true, false}) {
    Bench bench;
    bench.host.change(refused_logons(3));
    bench.deliver();
    bench.host.change(refused_logons(4));
    if (delivered_first) bench.deliver();
    EXPECT_TRUE(bench.read_back());
    bench.deliver();
    bench.host.change(refused_logons(5));
    bench.deliver();
    EXPECT_EQ(bench.counted().value().total, 12U);
  }
}

TEST(Tallies, WhatWasLostIsNotKnownUntilItIsReadBack) {
  Bench bench;
  EXPECT_TRUE(bench.read_back());
  bench.host.change(refused_logons(3));
  bench.deliver();
  EXPECT_FALSE(bench.tallies.begin_anew("System"));
  EXPECT_EQ(bench.counted().value().total, 3U);
  EXPECT_TRUE(bench.tallies.begin_anew(k_core));
  EXPECT_FALSE(bench.counted());
  bench.host.change(refused_logons(2));
  bench.deliver();
  EXPECT_TRUE(bench.read_back());
  EXPECT_EQ(bench.counted().value().total, 5U);
}

TEST(Tallies, AnEventOfTheFutureHappensNow) {
  for (const bool delivered : {true, false}) {
    Bench bench;
    if (delivered) (void)bench.read_back();
    bench.host.change(refused_logons(3));
    bench.host.change(clock_set(-24h));
    if (delivered) bench.deliver();
    (void)bench.read_back();
    EXPECT_EQ(bench.counted().value().total, 3U);
    bench.host.advance(61min);
    EXPECT_EQ(bench.counted().value().total, 0U);
  }
}

TEST(Tallies, ReadBackNoMoreThanTheBoundAndSayThatThereIsMore) {
  Bench bench;
  bench.host.change(refused_logons(Tallies::k_most_read_back + 10));
  EXPECT_TRUE(bench.read_back());
  EXPECT_EQ(bench.counted().value().total, Tallies::k_most_read_back);
  EXPECT_TRUE(bench.counted().value().at_least);
}

TEST(Tallies, ASnapshotStaysAsItWas) {
  Bench bench;
  EXPECT_TRUE(bench.read_back());
  const auto before = bench.tallies.snapshot();
  bench.host.change(refused_logons(3));
  bench.deliver();
  EXPECT_EQ(before.of("logon_refused").value().total, 0U);
}

}  // namespace
}  // namespace rdpmend::test
