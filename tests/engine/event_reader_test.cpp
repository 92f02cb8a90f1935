// The reader over the simulated host's event log: credits, bookmarks, gaps, silence, channels that are not there.
#include "agent-lib/engine/event_reader.hpp"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include "agent-lib/events/event_xml.hpp"
#include "agent-lib/sim/scenarios.hpp"
#include "agent-lib/sim/sim_events.hpp"
#include "agent-lib/sim/sim_host.hpp"

namespace rdpmend {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string k_channel{sim::k_rdp_core_operational};
constexpr std::size_t k_events_per_client = 2;  // On a healthy host: connection accepted, connection established.

struct Batch {
  std::string channel;
  EventBatch events;
  std::function<void()> taken;
};

// What the reader handed over, and the credits that are out.
class Taker {
 public:
  EventReader::Take take() {
    return [this](std::string channel, EventBatch events, std::function<void()> taken) {
      const std::scoped_lock lock(mutex_);
      batches_.push_back({std::move(channel), std::move(events), std::move(taken)});
      grew_.notify_all();
    };
  }
  // The n-th batch, once it was handed over.
  Batch wait_for(std::size_t number) {
    std::unique_lock lock(mutex_);
    const bool came = grew_.wait_for(lock, 60s, [&] { return batches_.size() > number; });
    return came ? batches_[number] : Batch{};
  }
  std::vector<Batch> batches() {
    const std::scoped_lock lock(mutex_);
    return batches_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable grew_;
  std::vector<Batch> batches_;
};

// Counts what could not be opened.
class CountedOpenings final : public EventChannels {
 public:
  explicit CountedOpenings(EventChannels& real) : real_(real) {}
  Result<std::vector<std::string>> look_up(const EventLookup& what) const override { return real_.look_up(what); }
  Result<ChannelRecords> records(std::string_view channel) const override { return real_.records(channel); }
  Result<std::uint64_t> newest(const ChannelQuery& query) const override {
    ++looks;
    return newest_ ? *newest_ : real_.newest(query);
  }
  Result<std::unique_ptr<EventSubscription>> subscribe(const ChannelQuery& query,
                                                       const std::optional<std::string>& bookmark) override {
    auto opened = real_.subscribe(query, bookmark);
    ++(opened ? made : refused);
    return opened;
  }
  void wait(std::stop_token stop, Duration at_most) override { real_.wait(stop, at_most); }
  void wake() override { real_.wake(); }

  // From now on this is said to be the newest.
  void say_newest(std::uint64_t record) { newest_ = record; }

  int made = 0, refused = 0;
  mutable int looks = 0;

 private:
  EventChannels& real_;
  std::optional<std::uint64_t> newest_;
};

void fail_test(const std::string& where, const std::string& what) {
  ADD_FAILURE() << where << ": " << what;
}

class EventReaderTest : public testing::Test {
 protected:
  std::unique_ptr<EventReader> reader(std::map<std::string, std::string> bookmarks = {},
                                      std::vector<ChannelQuery> queries = {{k_channel, "*"}}) {
    return std::make_unique<EventReader>(host_.control(), queries, bookmarks, sinks(taker_.take()));
  }
  EventReader::Sinks sinks(EventReader::Take take, EventReader::Report report = fail_test) {
    return {std::move(take), std::move(report), [this](const v1::ChannelReopened& what) { reopened_.push_back(what); }};
  }
  void change(const std::string& text) {
    v1::SimChange change;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &change));
    host_.change(change);
  }
  // Rounds as the thread makes them, on the host's clock, with every batch taken at once. The events of them.
  std::vector<std::string> run(EventReader& reader, Duration time) {
    const auto& clock = host_.control().clock;
    const auto end = clock.steady() + time;
    std::vector<std::string> events;
    for (int rounds = 0; rounds < k_most_rounds; ++rounds) {
      const auto known = taker_.batches().size();
      const auto again = reader.read_once();
      const auto batches = taker_.batches();
      for (auto at = known; at < batches.size(); ++at) {
        for (const auto& xml : batches[at].events.xml) events.push_back(xml);
        batches[at].taken();
      }
      if (batches.size() > known) continue;
      if (clock.steady() >= end) return events;
      host_.advance(std::min(again, end - clock.steady()));
    }
    ADD_FAILURE() << "it goes round in a circle";
    return events;
  }
  v1::ChannelStatus status(const EventReader& reader) { return reader.channels().at(0); }
  bool any_gap() {
    const auto batches = taker_.batches();
    return std::ranges::any_of(batches, [](const Batch& batch) { return batch.events.gap; });
  }
  static constexpr int k_most_rounds = 2000;
  HostControl with(EventChannels& events) {
    const auto host = host_.control();
    return {host.identity,  host.clock,    events,        host.registry, host.certificates,
            host.key_files, host.services, host.firewall, host.sessions, host.listener};
  }
  void clients(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(host_.client_connects());
  }

  sim::SimHost host_{sim::find_scenario("healthy").value(), {}};
  Taker taker_;
  std::vector<v1::ChannelReopened> reopened_;
};

TEST_F(EventReaderTest, HandsOverWhatIsLoggedFromNowOnWithItsBookmark) {
  clients(1);
  const auto events = reader();
  events->read_once();
  EXPECT_THAT(taker_.batches(), IsEmpty());
  clients(1);
  events->read_once();
  ASSERT_EQ(taker_.batches().size(), 1U);
  const auto batch = taker_.batches()[0];
  EXPECT_EQ(batch.channel, k_channel);
  EXPECT_EQ(batch.events.xml.size(), k_events_per_client);
  EXPECT_FALSE(batch.events.bookmark.empty());
  EXPECT_FALSE(batch.events.gap);
}

TEST_F(EventReaderTest, WhoeverWaitsLearnsThatEachChannelHasBeenTried) {
  const auto events = reader({}, {{"No-Such-Role/Operational", "*"}, {k_channel, "*"}});
  EXPECT_FALSE(events->wait_until_tried(0s));
  events->read_once();
  EXPECT_TRUE(events->wait_until_tried(0s));

  const auto never_started = reader();
  never_started->stop();
  EXPECT_TRUE(never_started->wait_until_tried(0s));
}

TEST_F(EventReaderTest, ReadsAChannelAgainOnlyWhenItsCreditIsBack) {
  const auto events = reader();
  events->read_once();
  clients(1);
  events->read_once();
  clients(1);
  events->read_once();
  events->read_once();
  ASSERT_EQ(taker_.batches().size(), 1U);
  taker_.batches()[0].taken();
  events->read_once();
  EXPECT_EQ(taker_.batches().size(), 2U);
}

TEST_F(EventReaderTest, OneChannelsCreditDoesNotHoldUpAnother) {
  const std::string other{sim::k_rcm_operational};
  const auto events = reader({}, {{k_channel, "*"}, {other, "*"}});
  events->read_once();
  clients(1);
  events->read_once();
  ASSERT_EQ(taker_.batches().size(), 2U);
  taker_.batches()[1].taken();
  clients(1);
  events->read_once();
  ASSERT_EQ(taker_.batches().size(), 3U);
  EXPECT_EQ(taker_.batches()[2].channel, other);
}

TEST_F(EventReaderTest, GoesOnAfterTheBookmark) {
  {
    const auto before = reader();
    before->read_once();
    clients(1);
    before->read_once();
  }
  ASSERT_EQ(taker_.batches().size(), 1U);
  clients(1);
  const auto again = reader({{k_channel, taker_.batches()[0].events.bookmark}});
  again->read_once();
  ASSERT_EQ(taker_.batches().size(), 2U);
  EXPECT_EQ(taker_.batches()[1].events.xml.size(), k_events_per_client);
  EXPECT_FALSE(taker_.batches()[1].events.gap);
}

TEST_F(EventReaderTest, ABookmarkThatIsGoneIsAGapAndReadingGoesOn) {
  std::string bookmark;
  {
    const auto before = reader();
    before->read_once();
    clients(1);
    before->read_once();
    bookmark = taker_.batches().at(0).events.bookmark;
  }
  clients(6'000);  // The log holds 10,000 events.
  const auto again = reader({{k_channel, bookmark}});
  again->read_once();
  ASSERT_EQ(taker_.batches().size(), 2U);
  EXPECT_TRUE(taker_.batches()[1].events.gap);
  EXPECT_FALSE(taker_.batches()[1].events.xml.empty()) << "what the log still holds is read";
  taker_.batches()[1].taken();
  again->read_once();
  ASSERT_EQ(taker_.batches().size(), 3U);
  EXPECT_FALSE(taker_.batches()[2].events.xml.empty());
  EXPECT_FALSE(taker_.batches()[2].events.gap);
}

TEST_F(EventReaderTest, ABookmarkThatIsNoneIsAGapAndReadingGoesOn) {
  clients(1);
  const auto events = reader({{k_channel, "no bookmark"}});
  events->read_once();
  ASSERT_EQ(taker_.batches().size(), 1U);
  EXPECT_TRUE(taker_.batches()[0].events.gap);
  taker_.batches()[0].taken();
  clients(1);
  events->read_once();
  ASSERT_EQ(taker_.batches().size(), 2U);
  EXPECT_EQ(taker_.batches()[1].events.xml.size(), k_events_per_client);
}

TEST_F(EventReaderTest, ALogThatWrapsWhileTheEngineIsBusyIsAGap) {
  const auto events = reader();
  events->read_once();
  clients(1);
  events->read_once();
  clients(6'000);
  taker_.batches().at(0).taken();
  events->read_once();
  ASSERT_EQ(taker_.batches().size(), 2U);
  EXPECT_TRUE(taker_.batches()[1].events.gap);
}

TEST_F(EventReaderTest, AChannelThatIsNotThereIsTriedAgainMoreAndMoreSeldom) {
  CountedOpenings counted(host_.control().events);
  const auto control = with(counted);
  EventReader watched(control, {{"No-Such-Role/Operational", "*"}, {k_channel, "*"}}, {}, sinks(taker_.take()));
  auto* const events = &watched;
  run(watched, 59s);
  EXPECT_EQ(counted.refused, 1);
  run(watched, 2s);
  EXPECT_EQ(counted.refused, 2);
  run(watched, 2min);
  EXPECT_EQ(counted.refused, 3);
  run(watched, 12h);
  const auto so_far = counted.refused;
  EXPECT_LT(so_far, 24);
  run(watched, 10h);
  EXPECT_EQ(counted.refused, so_far + 10);
  EXPECT_EQ(status(watched).state(), v1::ChannelStatus::STATE_ABSENT);
  EXPECT_THAT(reopened_, IsEmpty());
  clients(1);
  events->read_once();
  EXPECT_EQ(taker_.batches().size(), 1U) << "the other channel is read all the same";
}

TEST_F(EventReaderTest, WhatTheEngineCouldNotTakeIsReadAgain) {
  bool fails = true;
  Taker good;
  EventReader events(host_.control(), {{k_channel, "*"}}, {},
                     sinks([&, take = good.take()](std::string channel, EventBatch batch, std::function<void()> taken) {
                       if (fails) throw std::runtime_error("no memory");
                       take(std::move(channel), std::move(batch), std::move(taken));
                     }));
  events.read_once();
  fails = false;
  clients(1);
  events.read_once();
  good.batches().at(0).taken();
  fails = true;
  clients(1);
  EXPECT_THROW(events.read_once(), std::runtime_error);
  fails = false;
  events.read_once();
  ASSERT_EQ(good.batches().size(), 2U);
  EXPECT_EQ(good.batches()[1].events.xml.size(), k_events_per_client);
}

TEST_F(EventReaderTest, ItsThreadLosesNothingInAStorm) {
  const auto events = reader();
  events->read_once();  // Subscribed before the storm.
  events->start();
  clients(2'000);
  std::uint64_t next = 0;
  std::size_t seen = 0;
  for (std::size_t number = 0; seen < 2'000 * k_events_per_client; ++number) {
    const auto batch = taker_.wait_for(number);
    ASSERT_TRUE(batch.taken) << "after " << seen << " events";
    EXPECT_LE(batch.events.xml.size(), 128U);
    for (const auto& xml : batch.events.xml) {
      const auto record = parse_event(xml).value().record_id;
      ASSERT_TRUE(next == 0 || record == next) << record << " after " << next - 1;
      next = record + 1;
      ++seen;
    }
    batch.taken();
  }
  events->stop();
}

TEST_F(EventReaderTest, StopsAtOnceWhileACreditIsOut) {
  const auto events = reader();
  events->read_once();
  events->start();
  clients(1);
  const auto batch = taker_.wait_for(0);
  ASSERT_TRUE(batch.taken);
  const auto begin = std::chrono::steady_clock::now();
  events->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
  batch.taken();  // Too late, and harmless.
}

TEST_F(EventReaderTest, AnExceptionIsReportedAndTheReaderGoesOn) {
  std::mutex mutex;
  std::string reported;
  bool first = true;
  EventReader events(host_.control(), {{k_channel, "*"}}, {},
                     sinks(
                         [&, take = taker_.take()](std::string channel, EventBatch batch, std::function<void()> taken) {
                           {
                             const std::scoped_lock lock(mutex);
                             if (std::exchange(first, false)) throw std::runtime_error("no memory");
                           }
                           take(std::move(channel), std::move(batch), std::move(taken));
                         },
                         [&](const std::string& where, const std::string& what) {
                           const std::scoped_lock lock(mutex);
                           reported = where + ": " + what;
                         }));
  events.read_once();
  events.start();
  clients(1);
  const auto batch = taker_.wait_for(0);
  EXPECT_EQ(batch.events.xml.size(), k_events_per_client);
  EXPECT_FALSE(batch.events.gap) << "it goes back to where it began";
  events.stop();
  EXPECT_THAT(reported, HasSubstr("event reader: no memory"));
}

// --- silence ---

TEST_F(EventReaderTest, ARestartOfTheEventLogServiceIsFoundWithinAMinuteAndNothingIsLost) {
  for (const std::string dead : {"DEAD_SILENT", "DEAD_INVALID_OPERATION", "DEAD_INVALID_HANDLE", "DEAD_RPC"}) {
    SCOPED_TRACE(dead);
    reopened_.clear();
    const auto events = reader();
    run(*events, 1s);
    clients(1);
    EXPECT_EQ(run(*events, 1s).size(), k_events_per_client);
    change("event_log { restarts: true dead: " + dead + " }");
    clients(1);
    EXPECT_EQ(run(*events, 1min).size(), k_events_per_client);
    EXPECT_EQ(reopened_.size(), 1U);
    clients(1);
    EXPECT_EQ(run(*events, 1s).size(), k_events_per_client) << "it is alive again";
    EXPECT_EQ(reopened_.size(), 1U);
  }
  EXPECT_FALSE(any_gap());
}

TEST_F(EventReaderTest, ARestartIsFoundAlthoughNothingIsLogged) {
  const auto events = reader({}, {{k_channel, "*"}, {std::string(sim::k_rcm_operational), "*"}});
  run(*events, 1s);
  change("event_log { restarts: true }");
  run(*events, 1min);
  ASSERT_EQ(reopened_.size(), 2U) << "all of them are dead";
  EXPECT_EQ(reopened_[0].channel(), k_channel);
  EXPECT_THAT(reopened_[0].reason(), HasSubstr("restarted"));
  EXPECT_FALSE(any_gap());
}

TEST_F(EventReaderTest, ASubscriptionThatFallsSilentBeforeItGaveAnythingLosesNothing) {
  clients(1);
  const auto events = reader();
  run(*events, 1s);
  change("event_log { falls_silent: '" + k_channel + "' }");
  clients(2);
  EXPECT_EQ(run(*events, 1min).size(), 2 * k_events_per_client) << "and not what was there before";
  ASSERT_EQ(reopened_.size(), 1U);
  EXPECT_EQ(reopened_[0].channel(), k_channel);
  EXPECT_EQ(reopened_[0].newest_record(), reopened_[0].last_read_record() + 2 * k_events_per_client);
  EXPECT_FALSE(any_gap());
}

TEST_F(EventReaderTest, AHealthySubscriptionIsNeverOpenedAnew) {
  CountedOpenings counted(host_.control().events);
  EventReader events(with(counted), {{k_channel, "*"}}, {}, sinks(taker_.take()));
  run(events, 1s);
  for (int i = 0; i < 20; ++i) {
    clients(1);
    EXPECT_EQ(run(events, 40s).size(), k_events_per_client);
  }
  run(events, 2h);
  EXPECT_EQ(counted.made, 1);
  EXPECT_THAT(reopened_, IsEmpty());
  EXPECT_LE(counted.looks, 30) << "the log is not searched while nothing is logged";
}

TEST_F(EventReaderTest, ABatchThatTheEngineHasIsNoSilence) {
  const auto events = reader();
  events->read_once();
  clients(1);
  events->read_once();
  clients(1);
  for (int i = 0; i < 10; ++i) {
    events->read_once();
    host_.advance(1min);
  }
  EXPECT_THAT(reopened_, IsEmpty());
}

TEST_F(EventReaderTest, WhereOpeningAnewDoesNotHelpItIsDoneMoreAndMoreSeldom) {
  CountedOpenings counted(host_.control().events);
  EventReader events(with(counted), {{k_channel, "*"}}, {}, sinks(taker_.take()));
  run(events, 1s);
  counted.say_newest(1'000'000);  // No subscription will ever give that.
  clients(1);
  run(events, 1h);
  const auto first_hour = counted.made;
  EXPECT_GE(first_hour, 4);
  EXPECT_LE(first_hour, 9);
  EXPECT_EQ(status(events).state(), v1::ChannelStatus::STATE_BEHIND);
  EXPECT_EQ(status(events).newest_record(), 1'000'000U);
  EXPECT_GT(status(events).lag_records(), 0U);
  run(events, 24h);
  EXPECT_LE(counted.made - first_hour, 25);
}

TEST_F(EventReaderTest, WhileTheEventLogServiceIsDownItWaitsAndThenGoesOn) {
  const auto events = reader();
  run(*events, 1s);
  clients(1);
  run(*events, 1s);
  auto& services = host_.control().services;
  ASSERT_TRUE(services.stop("EventLog", 5s));
  EXPECT_THAT(run(*events, 10min), IsEmpty());
  clients(1);
  ASSERT_TRUE(services.start("EventLog", 5s));
  EXPECT_EQ(run(*events, 1min).size(), k_events_per_client);
  EXPECT_FALSE(any_gap());
  EXPECT_EQ(reopened_.size(), 1U);
}

TEST_F(EventReaderTest, ABookmarkThatStrictDoesNotFindAlthoughItsRecordIsThereIsNoGap) {
  {
    const auto before = reader();
    run(*before, 1s);
    clients(1);
    run(*before, 1s);
  }
  change("event_log { strict_not_found: '" + k_channel + "' }");
  clients(1);
  const auto again = reader({{k_channel, taker_.batches().back().events.bookmark}});
  EXPECT_EQ(run(*again, 1s).size(), k_events_per_client);
  EXPECT_FALSE(any_gap());
}

// --- events that do not fit into one answer ---

TEST_F(EventReaderTest, EventsThatDoNotFitIntoOneAnswerAreReadOneByOne) {
  const auto events = reader();
  run(*events, 1s);
  clients(20);  // More than Windows gives at once: these are handed over first.
  change("event_log { next_is_large: '" + k_channel + "' }");
  clients(20);
  const auto read = run(*events, 1s);
  ASSERT_EQ(read.size(), 40 * k_events_per_client);
  for (std::size_t i = 1; i < read.size(); ++i) {
    EXPECT_EQ(parse_event(read[i])->record_id, parse_event(read[i - 1])->record_id + 1);
  }
  EXPECT_FALSE(any_gap());
  clients(20);
  EXPECT_EQ(run(*events, 1s).size(), 20 * k_events_per_client);
  EXPECT_THAT(reopened_, IsEmpty()) << "it had not fallen silent";
}

TEST_F(EventReaderTest, AnEventThatCannotBeHadAloneIsPassedOverAndSaid) {
  const auto events = reader();
  run(*events, 1s);
  clients(1);
  change("event_log { next_is_undeliverable: '" + k_channel + "' }");
  clients(1);
  EXPECT_EQ(run(*events, 1s).size(), 2 * k_events_per_client - 1);
  EXPECT_TRUE(any_gap());
}

TEST_F(EventReaderTest, TheNewestEventThatCannotBeHadIsPassedOverOnceAndIsNoSilence) {
  const auto events = reader();
  run(*events, 1s);
  clients(1);
  run(*events, 1s);
  change("event_log { next_is_undeliverable: '" + std::string(sim::k_rcm_operational) + "' }");
  const auto other = reader({}, {{std::string(sim::k_rcm_operational), "*"}});
  run(*other, 1s);
  clients(1);  // One event in that channel.
  EXPECT_THAT(run(*other, 1s), IsEmpty());
  EXPECT_TRUE(any_gap());
  const auto batches = taker_.batches().size();
  run(*other, 1h);
  EXPECT_EQ(taker_.batches().size(), batches) << "said once";
  EXPECT_THAT(reopened_, IsEmpty());
  EXPECT_EQ(status(*other).state(), v1::ChannelStatus::STATE_FOLLOWED);
  clients(1);
  EXPECT_EQ(run(*other, 1s).size(), 1U);
}

// A channel in which no read ever succeeds, nor moves on.
class NothingFits final : public EventSubscription {
 public:
  explicit NothingFits(int& reads) : reads_(reads) {}
  Result<EventBatch> next(std::size_t) override {
    ++reads_;
    return fail(ErrorCode::exhausted, "they do not fit");
  }

 private:
  int& reads_;
};
class ChannelWhereNothingFits final : public EventChannels {
 public:
  explicit ChannelWhereNothingFits(EventChannels& real) : real_(real) {}
  Result<std::vector<std::string>> look_up(const EventLookup& what) const override { return real_.look_up(what); }
  Result<ChannelRecords> records(std::string_view channel) const override { return real_.records(channel); }
  Result<std::uint64_t> newest(const ChannelQuery& query) const override { return real_.newest(query); }
  Result<std::unique_ptr<EventSubscription>> subscribe(const ChannelQuery& query,
                                                       const std::optional<std::string>& bookmark) override {
    const auto held = real_.records(query.channel).value();
    if (bookmark && bookmarked_record(*bookmark).value_or(0) >= held.newest()) return real_.subscribe(query, bookmark);
    return std::make_unique<NothingFits>(reads);
  }
  void wait(std::stop_token stop, Duration at_most) override { real_.wait(stop, at_most); }
  void wake() override { real_.wake(); }

  int reads = 0;

 private:
  EventChannels& real_;
};

TEST_F(EventReaderTest, AChannelWhereNothingCanBeHadIsNotReadForEver) {
  clients(1);
  ChannelWhereNothingFits channel(host_.control().events);
  EventReader events(with(channel), {{k_channel, "*"}}, {{k_channel, bookmark_after(k_channel, 1)}},
                     sinks(taker_.take()));
  run(events, 1min);
  EXPECT_LE(channel.reads, 20);
  EXPECT_TRUE(any_gap());
  clients(1);
  EXPECT_EQ(run(events, 1s).size(), k_events_per_client) << "it goes on with what comes";
}

// --- status ---

TEST_F(EventReaderTest, TellsHowWellAChannelIsFollowed) {
  clients(1);
  const auto events = reader();
  EXPECT_EQ(status(*events).channel(), k_channel);
  EXPECT_EQ(status(*events).state(), v1::ChannelStatus::STATE_UNSPECIFIED);
  run(*events, 1s);
  EXPECT_EQ(status(*events).state(), v1::ChannelStatus::STATE_FOLLOWED);
  EXPECT_EQ(status(*events).last_read_record(), 0U);
  EXPECT_FALSE(status(*events).has_last_read());
  run(*events, 1min);
  EXPECT_EQ(status(*events).state(), v1::ChannelStatus::STATE_FOLLOWED) << "what was there before is not to be read";
  EXPECT_EQ(status(*events).lag_records(), 0U);

  clients(1);
  run(*events, 1s);
  EXPECT_EQ(status(*events).last_read_record(), 2 * k_events_per_client);
  EXPECT_TRUE(status(*events).has_last_read());

  change("event_log { falls_silent: '" + k_channel + "' }");
  clients(1);
  const auto& clock = host_.control().clock;
  for (const auto end = clock.steady() + 1min; clock.steady() < end && reopened_.empty();) {
    const auto again = events->read_once();
    const auto now = status(*events);
    const bool behind = now.state() == v1::ChannelStatus::STATE_BEHIND;
    EXPECT_EQ(now.lag_records(), behind ? k_events_per_client : 0U);
    if (reopened_.empty()) host_.advance(again);
  }
  ASSERT_EQ(reopened_.size(), 1U);
  EXPECT_EQ(status(*events).times_reopened(), 1U);
  EXPECT_EQ(from_proto(status(*events).last_reopened()), clock.now());
  EXPECT_EQ(status(*events).state(), v1::ChannelStatus::STATE_FOLLOWED);
  EXPECT_EQ(status(*events).last_read_record(), 3 * k_events_per_client);

  ASSERT_TRUE(host_.control().services.stop("EventLog", 5s));
  run(*events, 1min);
  EXPECT_EQ(status(*events).state(), v1::ChannelStatus::STATE_FOLLOWED)
      << "a dead one that says nothing cannot be told yet";
}

TEST_F(EventReaderTest, AChannelThatCannotBeOpenedSaysWhy) {
  ASSERT_TRUE(host_.control().services.stop("EventLog", 5s));
  const auto events = reader();
  run(*events, 1s);
  EXPECT_EQ(status(*events).state(), v1::ChannelStatus::STATE_CLOSED);
  EXPECT_THAT(status(*events).detail(), HasSubstr("does not run"));
  ASSERT_TRUE(host_.control().services.start("EventLog", 5s));
  run(*events, 1min);
  EXPECT_EQ(status(*events).state(), v1::ChannelStatus::STATE_FOLLOWED);
  EXPECT_EQ(status(*events).detail(), "");
}

}  // namespace
}  // namespace rdpmend
