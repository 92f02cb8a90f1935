// The reader over the simulated host's event log: credits, bookmarks, gaps, channels that are not there.
#include "agent-lib/engine/event_reader.hpp"

#include <gmock/gmock.h>

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

void fail_test(const std::string& where, const std::string& what) {
  ADD_FAILURE() << where << ": " << what;
}

class EventReaderTest : public testing::Test {
 protected:
  std::unique_ptr<EventReader> reader(std::map<std::string, std::string> bookmarks = {},
                                      std::vector<ChannelQuery> queries = {{k_channel, "*"}}) {
    return std::make_unique<EventReader>(host_.control().events, host_.control().clock, queries, bookmarks,
                                         taker_.take(), fail_test);
  }
  void clients(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(host_.client_connects());
  }

  sim::SimHost host_{sim::find_scenario("healthy").value(), {}};
  Taker taker_;
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
  const auto events = reader({}, {{"No-Such-Role/Operational", "*"}, {k_channel, "*"}});
  EXPECT_EQ(events->read_once(), 1min);
  host_.advance(59s);
  EXPECT_EQ(events->read_once(), 1s);
  host_.advance(1s);
  EXPECT_EQ(events->read_once(), 2min);
  for (int i = 0; i < 10; ++i) {
    const auto again = events->read_once();
    EXPECT_LE(again, 1h);
    host_.advance(again);
  }
  EXPECT_EQ(events->read_once(), 1h);
  clients(1);
  events->read_once();
  EXPECT_EQ(taker_.batches().size(), 1U) << "the other channel is read all the same";
}

TEST_F(EventReaderTest, WhatTheEngineCouldNotTakeIsReadAgain) {
  bool fails = true;
  Taker good;
  EventReader events(
      host_.control().events, host_.control().clock, {{k_channel, "*"}}, {},
      [&, take = good.take()](std::string channel, EventBatch batch, std::function<void()> taken) {
        if (fails) throw std::runtime_error("no memory");
        take(std::move(channel), std::move(batch), std::move(taken));
      },
      fail_test);
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
  EventReader events(
      host_.control().events, host_.control().clock, {{k_channel, "*"}}, {},
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
      });
  events.read_once();
  events.start();
  clients(1);
  const auto batch = taker_.wait_for(0);
  EXPECT_TRUE(batch.events.gap) << "there was no bookmark to go back to";
  events.stop();
  EXPECT_THAT(reported, HasSubstr("event reader: no memory"));
}

}  // namespace
}  // namespace rdpmend
