#include "agent-lib/events/event_xml.hpp"
#include "tests/contract/stage.hpp"

namespace rdpmend::contract {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr Duration k_patience = 10s;

ChannelQuery query_for(const EventKind& kind) {
  return {kind.channel,
          "*[System[Provider[@Name='" + kind.provider + "'] and EventID=" + std::to_string(kind.id) + "]]"};
}

// At least `wanted` events, waiting for them as the reader does.
EventBatch read(const HostControl& host, EventSubscription& subscription, std::size_t wanted) {
  EventBatch all;
  const auto until = host.clock.steady() + k_patience;
  while (all.xml.size() < wanted && host.clock.steady() < until) {
    auto batch = subscription.next(64);
    if (!batch) {
      ADD_FAILURE() << to_string(batch.error());
      break;
    }
    for (auto& xml : batch->xml) all.xml.push_back(std::move(xml));
    if (!batch->bookmark.empty()) all.bookmark = batch->bookmark;
    all.gap |= batch->gap;
    if (batch->xml.empty()) host.events.wait({}, 1s);
  }
  return all;
}

TEST_P(Contract, AChannelThatDoesNotExistIsNotFound) {
  RDPMEND_REQUIRE(stage->event_kind());
  EXPECT_EQ(host.events.subscribe({"rdpmend/No such channel", "*"}, std::nullopt).error().code, ErrorCode::not_found);
  EXPECT_EQ(host.events.look_up({"rdpmend/No such channel", "x", {1}}).error().code, ErrorCode::not_found);
}

TEST_P(Contract, ASubscriptionBeginsNowAndGivesWhatIsLoggedWithABookmark) {
  const auto kind = stage->event_kind();
  RDPMEND_REQUIRE(kind);
  RDPMEND_REQUIRE(stage->log_event());
  auto subscription = host.events.subscribe(query_for(*kind), std::nullopt);
  RDPMEND_REQUIRE(subscription);
  const auto empty = (*subscription)->next(64).value();
  EXPECT_THAT(empty.xml, IsEmpty());
  EXPECT_EQ(empty.bookmark, "");
  EXPECT_FALSE(empty.gap);

  RDPMEND_REQUIRE(stage->log_event());
  RDPMEND_REQUIRE(stage->log_event());
  const auto batch = read(host, **subscription, 2);
  ASSERT_THAT(batch.xml, SizeIs(2));
  EXPECT_NE(batch.bookmark, "");
  EXPECT_FALSE(batch.gap);
  const auto first = parse_event(batch.xml[0]);
  const auto second = parse_event(batch.xml[1]);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->event_id, kind->id);
  EXPECT_EQ(first->provider, kind->provider);
  EXPECT_LT(first->record_id, second->record_id);
}

TEST_P(Contract, ASubscriptionGoesOnAfterItsBookmark) {
  const auto kind = stage->event_kind();
  RDPMEND_REQUIRE(kind);
  auto subscription = host.events.subscribe(query_for(*kind), std::nullopt);
  RDPMEND_REQUIRE(subscription);
  RDPMEND_REQUIRE(stage->log_event());
  const auto before = read(host, **subscription, 1);
  ASSERT_THAT(before.xml, SizeIs(1));
  subscription->reset();

  RDPMEND_REQUIRE(stage->log_event());
  subscription = host.events.subscribe(query_for(*kind), before.bookmark);
  ASSERT_TRUE(subscription) << to_string(subscription.error());
  const auto after = read(host, **subscription, 1);
  ASSERT_THAT(after.xml, SizeIs(1));
  EXPECT_GT(parse_event(after.xml[0])->record_id, parse_event(before.xml[0])->record_id);
  EXPECT_FALSE(after.gap);
}

TEST_P(Contract, AfterABookmarkWhoseRecordIsGoneASubscriptionGoesOnWithAGap) {
  const auto kind = stage->event_kind();
  RDPMEND_REQUIRE(kind);
  RDPMEND_REQUIRE(stage->log_event());
  auto subscription = host.events.subscribe(query_for(*kind), bookmark_after(kind->channel, 4'000'000'000));
  RDPMEND_REQUIRE(subscription);
  // One by one: what other tests have logged may not fit into one answer.
  auto first = (*subscription)->next(1);
  RDPMEND_REQUIRE(first);
  EXPECT_TRUE(first->gap);
  EXPECT_THAT(first->xml, Not(IsEmpty())) << "with all that the log still holds";
  while (!first->xml.empty()) {
    first = (*subscription)->next(1);
    RDPMEND_REQUIRE(first);
    EXPECT_FALSE(first->gap);
  }
  RDPMEND_REQUIRE(stage->log_event());
  const auto second = read(host, **subscription, 1);
  EXPECT_THAT(second.xml, SizeIs(1));
  EXPECT_FALSE(second.gap);
}

TEST_P(Contract, ABookmarkThatIsSaidToBeGoneButIsNotIsNoGap) {
  const auto kind = stage->event_kind();
  RDPMEND_REQUIRE(kind);
  auto subscription = host.events.subscribe(query_for(*kind), std::nullopt);
  RDPMEND_REQUIRE(subscription);
  RDPMEND_REQUIRE(stage->log_event());
  const auto before = read(host, **subscription, 1);
  ASSERT_THAT(before.xml, SizeIs(1));
  RDPMEND_REQUIRE(stage->log_event());
  RDPMEND_REQUIRE(stage->deny_bookmarks());
  subscription = host.events.subscribe(query_for(*kind), before.bookmark);
  RDPMEND_REQUIRE(subscription);
  const auto after = read(host, **subscription, 1);
  ASSERT_THAT(after.xml, SizeIs(1));
  EXPECT_EQ(parse_event(after.xml[0])->record_id, parse_event(before.xml[0])->record_id + 1);
  EXPECT_FALSE(after.gap);
}

TEST_P(Contract, AChannelTellsWhatItHoldsAndTheNewestThatAQueryAsksFor) {
  const auto kind = stage->event_kind();
  RDPMEND_REQUIRE(kind);
  EXPECT_EQ(host.events.records("rdpmend/No such channel").error().code, ErrorCode::not_found);
  EXPECT_EQ(host.events.newest({"rdpmend/No such channel", "*"}).error().code, ErrorCode::not_found);
  auto subscription = host.events.subscribe(query_for(*kind), std::nullopt);
  RDPMEND_REQUIRE(subscription);
  RDPMEND_REQUIRE(stage->log_event());
  RDPMEND_REQUIRE(stage->log_event());
  const auto batch = read(host, **subscription, 2);
  ASSERT_THAT(batch.xml, SizeIs(2));
  const auto last = parse_event(batch.xml[1])->record_id;
  const auto held = host.events.records(kind->channel);
  RDPMEND_REQUIRE(held);
  EXPECT_GE(held->newest(), last);
  EXPECT_LE(held->oldest, parse_event(batch.xml[0])->record_id);
  EXPECT_EQ(host.events.newest(query_for(*kind)).value(), last);
  EXPECT_EQ(bookmarked_record(batch.bookmark), last);
}

TEST_P(Contract, ALookUpGivesTheNewestFirstAndNoMoreThanAsked) {
  const auto kind = stage->event_kind();
  RDPMEND_REQUIRE(kind);
  const auto since = host.clock.now() - 1h;
  for (int i = 0; i < 3; ++i) RDPMEND_REQUIRE(stage->log_event());
  const auto found = host.events.look_up({kind->channel, kind->provider, {kind->id}, since, 2});
  RDPMEND_REQUIRE(found);
  ASSERT_THAT(*found, SizeIs(2));
  EXPECT_GT(parse_event((*found)[0])->record_id, parse_event((*found)[1])->record_id);
  EXPECT_THAT(host.events.look_up({kind->channel, kind->provider, {kind->id + 1}, since, 2}).value(), IsEmpty());
  EXPECT_THAT(host.events.look_up({kind->channel, kind->provider, {kind->id}, host.clock.now() + 1h, 2}).value(),
              IsEmpty());
}

TEST_P(Contract, WaitingEndsWhenWokenOrStopped) {
  const auto start = host.clock.steady();
  host.events.wake();
  host.events.wait({}, 1h);
  std::stop_source stop;
  stop.request_stop();
  host.events.wait(stop.get_token(), 1h);
  EXPECT_LT(host.clock.steady() - start, 1min);
}

}  // namespace
}  // namespace rdpmend::contract
