// The wevtapi double keeps what the pages of the real one promise.
#include <gtest/gtest.h>
#include <windows.h>
#include <winevt.h>

#include <thread>

#include "tests/wine/doubles_test/lab_events.hpp"
#include "tests/wine/lab/text.hpp"

namespace rdpmend::lab {
namespace {

constexpr char k_channel[] = "Laboratory-Test/Operational";
constexpr DWORD k_soon_ms = 10'000;

class WevtapiDouble : public testing::Test {
 protected:
  void SetUp() override { channel.emplace(Channel::create(k_channel, ChannelType::operational)); }
  void TearDown() override {
    for (const auto handle : open) EvtClose(handle);
    CloseHandle(signal);
  }

  void log(std::uint32_t id, const std::string& provider = "Schannel") {
    append_event(event_xml(k_channel, provider, id));
  }
  EVT_HANDLE keep(EVT_HANDLE handle) {
    if (handle) open.push_back(handle);
    return handle;
  }
  EVT_HANDLE subscribe(DWORD flags, const wchar_t* query = L"*", EVT_HANDLE bookmark = nullptr) {
    return keep(EvtSubscribe(nullptr, signal, widen(k_channel).c_str(), query, bookmark, nullptr, nullptr, flags));
  }
  EVT_HANDLE query(const wchar_t* text, DWORD flags = EvtQueryReverseDirection) {
    return keep(EvtQuery(nullptr, widen(k_channel).c_str(), text, EvtQueryChannelPath | flags));
  }
  static std::string render(EVT_HANDLE fragment, DWORD flags) {
    DWORD used = 0, properties = 0;
    EXPECT_FALSE(EvtRender(nullptr, fragment, flags, 0, nullptr, &used, &properties));
    EXPECT_EQ(GetLastError(), DWORD{ERROR_INSUFFICIENT_BUFFER});
    std::wstring text(used / sizeof(wchar_t), L'\0');
    EXPECT_TRUE(EvtRender(nullptr, fragment, flags, used, text.data(), &used, &properties));
    EXPECT_EQ(text.back(), L'\0');
    text.pop_back();
    return narrow(text);
  }
  // Ids of the events that EvtNext gives at once; sets `last`.
  std::vector<std::uint32_t> next(EVT_HANDLE results, DWORD max = 16) {
    std::vector<EVT_HANDLE> events(max);
    DWORD count = 0;
    std::vector<std::uint32_t> ids;
    error = EvtNext(results, max, events.data(), k_soon_ms, 0, &count) ? ERROR_SUCCESS : GetLastError();
    for (DWORD i = 0; i < count; ++i) {
      ids.push_back(read_event_fields(render(events[i], EvtRenderEventXml)).event_id);
      if (last) EvtClose(last);
      last = events[i];
    }
    return ids;
  }
  bool signalled(DWORD within_ms = k_soon_ms) { return WaitForSingleObject(signal, within_ms) == WAIT_OBJECT_0; }
  EVT_HANDLE bookmark_at_last() {
    const auto bookmark = keep(EvtCreateBookmark(nullptr));
    EXPECT_TRUE(EvtUpdateBookmark(bookmark, last));
    return bookmark;
  }

  std::optional<Channel> channel;
  HANDLE signal = CreateEventW(nullptr, FALSE, FALSE, nullptr);
  std::vector<EVT_HANDLE> open;
  EVT_HANDLE last = nullptr;
  DWORD error = 0;
};

using Ids = std::vector<std::uint32_t>;

TEST_F(WevtapiDouble, FutureSubscriptionSkipsThePastAndIsSignalledForTheFuture) {
  log(1);
  const auto subscription = subscribe(EvtSubscribeToFutureEvents);
  ASSERT_TRUE(subscription);
  EXPECT_FALSE(signalled(300));
  log(2);
  EXPECT_TRUE(signalled());
  EXPECT_EQ(next(subscription), Ids{2});
  EXPECT_EQ(next(subscription), Ids{});
  EXPECT_EQ(error, DWORD{ERROR_NO_MORE_ITEMS});
}

TEST_F(WevtapiDouble, OldestSubscriptionIsSignalledForWhatIsThere) {
  log(1);
  const auto subscription = subscribe(EvtSubscribeStartAtOldestRecord);
  EXPECT_TRUE(signalled());
  log(2);
  EXPECT_EQ(next(subscription), (Ids{1, 2}));
}

TEST_F(WevtapiDouble, SignalComesOnceUntilTheSubscriptionIsReadToItsEnd) {
  const auto subscription = subscribe(EvtSubscribeToFutureEvents);
  log(1);
  EXPECT_TRUE(signalled());
  log(2);
  EXPECT_FALSE(signalled(300));
  EXPECT_EQ(next(subscription, 1), Ids{1});
  EXPECT_EQ(next(subscription, 1), Ids{2});
  next(subscription);
  EXPECT_EQ(error, DWORD{ERROR_NO_MORE_ITEMS});
  log(3);
  EXPECT_TRUE(signalled());
}

TEST_F(WevtapiDouble, SubscriptionReadWithoutASignalIsAnInvalidOperation) {
  const auto subscription = subscribe(EvtSubscribeToFutureEvents);
  next(subscription);
  EXPECT_EQ(error, DWORD{ERROR_INVALID_OPERATION});
  log(1);
  EXPECT_EQ(next(subscription), Ids{1});
}

TEST_F(WevtapiDouble, EventsOfAnotherProcessAreSignalled) {
  // The store's change is a registry value, so another handle to it stands for another process.
  const auto subscription = subscribe(EvtSubscribeToFutureEvents);
  std::thread([] {
    auto other = Channel::open(k_channel);
    other->append([](std::uint64_t id) { return with_record_id(event_xml(k_channel, "Schannel", 7), id); });
  }).join();
  EXPECT_TRUE(signalled());
  EXPECT_EQ(next(subscription), Ids{7});
}

TEST_F(WevtapiDouble, BookmarkContinuesAfterItsEventAsText) {
  for (const std::uint32_t id : {1u, 2u, 3u}) log(id);
  EXPECT_EQ(next(subscribe(EvtSubscribeStartAtOldestRecord), 2), (Ids{1, 2}));
  const auto text = render(bookmark_at_last(), EvtRenderBookmark);
  EXPECT_NE(text.find("RecordId='2'"), std::string::npos) << text;
  const auto again = keep(EvtCreateBookmark(widen(text).c_str()));
  ASSERT_TRUE(again);
  const auto subscription = subscribe(EvtSubscribeStartAfterBookmark | EvtSubscribeStrict, L"*", again);
  EXPECT_EQ(next(subscription), Ids{3});
}

TEST_F(WevtapiDouble, StrictRefusesABookmarkWhoseRecordIsGone) {
  for (const std::uint32_t id : {1u, 2u, 3u}) log(id);
  next(subscribe(EvtSubscribeStartAtOldestRecord), 1);
  const auto bookmark = bookmark_at_last();
  channel->drop_oldest(1);
  EXPECT_FALSE(subscribe(EvtSubscribeStartAfterBookmark | EvtSubscribeStrict, L"*", bookmark));
  EXPECT_EQ(GetLastError(), DWORD{ERROR_NOT_FOUND});
  const auto lenient = subscribe(EvtSubscribeStartAfterBookmark, L"*", bookmark);
  EXPECT_EQ(next(lenient), Ids{3}) << "2 is closest to 1, 3 is after it";
}

TEST_F(WevtapiDouble, StrictSubscriptionGoesStaleForGoodWhenUnreadEventsAreCleared) {
  const auto strict = subscribe(EvtSubscribeToFutureEvents | EvtSubscribeStrict);
  const auto lenient = subscribe(EvtSubscribeToFutureEvents);
  log(1);
  log(2);
  channel->clear();
  log(3);
  for (int tries = 0; tries < 2; ++tries) {
    next(strict);
    EXPECT_EQ(error, DWORD{ERROR_EVT_QUERY_RESULT_STALE});
  }
  EXPECT_EQ(next(lenient), Ids{3});
}

TEST_F(WevtapiDouble, ClearingWhatWasReadIsNoGap) {
  const auto subscription = subscribe(EvtSubscribeToFutureEvents | EvtSubscribeStrict);
  log(1);
  EXPECT_EQ(next(subscription), Ids{1});
  channel->clear();
  log(2);
  EXPECT_EQ(next(subscription), Ids{2});
  EXPECT_EQ(channel->extent(k_soon_ms)->oldest, 2u);
}

TEST_F(WevtapiDouble, ASubscriptionWhoseServiceIsGoneIsDeadAndNothingSignals) {
  const auto dead = subscribe(EvtSubscribeToFutureEvents);
  const std::pair<DeadAnswer, DWORD> answers[] = {{DeadAnswer::no_more_items, ERROR_NO_MORE_ITEMS},
                                                  {DeadAnswer::invalid_operation, ERROR_INVALID_OPERATION},
                                                  {DeadAnswer::invalid_handle, ERROR_INVALID_HANDLE},
                                                  {DeadAnswer::rpc_server_unavailable, RPC_S_SERVER_UNAVAILABLE}};
  for (const auto& [answer, code] : answers) {
    channel->kill_subscriptions(answer);
    log(1);
    EXPECT_EQ(next(dead), Ids{});
    EXPECT_EQ(error, code);
  }
  EXPECT_FALSE(signalled(300));
  EXPECT_EQ(next(subscribe(EvtSubscribeStartAtOldestRecord)), (Ids{1, 1, 1, 1})) << "a new one is alive";
}

TEST_F(WevtapiDouble, EventsThatDoNotFitArePassedOverAndFitOneByOne) {
  const auto together = subscribe(EvtSubscribeToFutureEvents);
  const auto alone = subscribe(EvtSubscribeToFutureEvents);
  channel->make_next_large();
  for (const std::uint32_t id : {1u, 2u, 3u}) log(id);
  EXPECT_EQ(next(together, 2), Ids{});
  EXPECT_EQ(error, DWORD{RPC_S_INVALID_BOUND});
  EXPECT_EQ(next(together), Ids{3}) << "1 and 2 have been passed over";
  for (const std::uint32_t id : {1u, 2u, 3u}) EXPECT_EQ(next(alone, 1), Ids{id});
}

TEST_F(WevtapiDouble, StrictMayNotFindABookmarkWhoseRecordExists) {
  for (const std::uint32_t id : {1u, 2u}) log(id);
  next(subscribe(EvtSubscribeStartAtOldestRecord), 1);
  const auto bookmark = bookmark_at_last();
  channel->set_strict_not_found(true);
  EXPECT_FALSE(subscribe(EvtSubscribeStartAfterBookmark | EvtSubscribeStrict, L"*", bookmark));
  EXPECT_EQ(GetLastError(), DWORD{ERROR_NOT_FOUND});
  EXPECT_EQ(next(subscribe(EvtSubscribeStartAfterBookmark, L"*", bookmark)), Ids{2});
  channel->set_strict_not_found(false);
}

TEST_F(WevtapiDouble, UnknownChannelsAndDirectChannelsAreRefused) {
  EXPECT_FALSE(
      EvtSubscribe(nullptr, signal, L"Nobody/Admin", L"*", nullptr, nullptr, nullptr, EvtSubscribeToFutureEvents));
  EXPECT_EQ(GetLastError(), DWORD{ERROR_EVT_CHANNEL_NOT_FOUND});
  EXPECT_FALSE(EvtQuery(nullptr, L"Nobody/Admin", L"*", EvtQueryChannelPath));
  EXPECT_EQ(GetLastError(), DWORD{ERROR_EVT_CHANNEL_NOT_FOUND});
  Channel::create("Laboratory-Test/Debug", ChannelType::debug);
  EXPECT_FALSE(EvtSubscribe(nullptr, signal, L"Laboratory-Test/Debug", L"*", nullptr, nullptr, nullptr,
                            EvtSubscribeToFutureEvents));
  EXPECT_EQ(GetLastError(), DWORD{ERROR_EVT_SUBSCRIPTION_TO_DIRECT_CHANNEL});
}

TEST_F(WevtapiDouble, StructuredQueryFilters) {
  const auto subscription = subscribe(EvtSubscribeToFutureEvents,
                                      LR"(<QueryList><Query Id="0" Path="Laboratory-Test/Operational">
      <Select Path="Laboratory-Test/Operational">*[System[Provider[@Name='Schannel'] and (EventID=1 or EventID=3)]]</Select>
      <Select Path="Laboratory-Test/Operational">*[System[Provider[@Name=&quot;It's&quot;] and (EventID=2)]]</Select>
      </Query></QueryList>)");
  ASSERT_TRUE(subscription);
  for (const std::uint32_t id : {1u, 2u, 3u, 4u}) log(id);
  log(2, "It's");
  EXPECT_EQ(next(subscription), (Ids{1, 3, 2}));
}

TEST_F(WevtapiDouble, QueryLooksBackNewestFirstSinceATime) {
  log(1);
  log(1057, "Other");
  log(1057);
  log(1058);
  const auto results = query(
      L"*[System[Provider[@Name='Schannel'] and (EventID=1057 or EventID=1058) and "
      L"TimeCreated[@SystemTime>='2020-01-01T00:00:00.000Z']]]");
  ASSERT_TRUE(results);
  EXPECT_EQ(next(results), (Ids{1058, 1057}));
  next(results);
  EXPECT_EQ(error, DWORD{ERROR_NO_MORE_ITEMS});
  EXPECT_EQ(next(query(L"*[System[TimeCreated[@SystemTime>='2999-01-01T00:00:00Z']]]")), Ids{});
  EXPECT_EQ(next(query(L"*[System[TimeCreated[timediff(@SystemTime) <= 60000]]]")).size(), 4u);
  EXPECT_EQ(next(query(L"Event[System[EventRecordID>1 and EventRecordID<=2]]")), Ids{1057});
}

TEST_F(WevtapiDouble, QueryThatItDoesNotKnowIsInvalidAndSaysWhy) {
  std::wstring too_long = L"*[System[EventID=0";
  for (int id = 1; id <= 20; ++id) too_long += L" or EventID=" + std::to_wstring(id);
  too_long += L"]]";
  for (const std::wstring& bad :
       {std::wstring(L"*[EventData[Data='x']]"), std::wstring(L"*[System[EventID=]]"),
        std::wstring(L"*[System[Level=2]"), std::wstring(L"*[System[TimeCreated[@SystemTime>='yesterday']]]"),
        std::wstring(L"<QueryList><Query>"), too_long}) {
    EXPECT_FALSE(query(bad.c_str())) << narrow(bad);
    EXPECT_EQ(GetLastError(), DWORD{ERROR_EVT_INVALID_QUERY});
    DWORD used = 0;
    EXPECT_EQ(EvtGetExtendedStatus(0, nullptr, &used), DWORD{ERROR_INSUFFICIENT_BUFFER});
    EXPECT_GT(used, 10u);
  }
}

TEST_F(WevtapiDouble, QueryGoesStaleWhenItsEventsAreCleared) {
  log(1);
  const auto results = query(L"*");
  channel->clear();
  next(results);
  EXPECT_EQ(error, DWORD{ERROR_EVT_QUERY_RESULT_STALE});
}

TEST_F(WevtapiDouble, QueryBelongsToItsThread) {
  log(1);
  const auto results = query(L"*");
  std::thread([&] { next(results); }).join();
  EXPECT_EQ(error, DWORD{ERROR_INVALID_HANDLE});
}

TEST_F(WevtapiDouble, EvtNextTimesOutWhileTheStoreIsBusy) {
  const auto subscription = subscribe(EvtSubscribeStartAtOldestRecord);
  std::thread([&] {
    const StoreLock busy(k_soon_ms);
    std::thread([&] {
      EVT_HANDLE event = nullptr;
      DWORD count = 0;
      EXPECT_FALSE(EvtNext(subscription, 1, &event, 50, 0, &count));
      EXPECT_EQ(GetLastError(), DWORD{ERROR_TIMEOUT});
    }).join();
  }).join();
}

TEST_F(WevtapiDouble, ConfigurationAndExtentAreAsTheStoreIs) {
  log(1);
  log(2);
  channel->drop_oldest(1);
  const auto log_handle = keep(EvtOpenLog(nullptr, widen(k_channel).c_str(), EvtOpenChannelPath));
  EVT_VARIANT value{};
  DWORD used = 0;
  ASSERT_TRUE(EvtGetLogInfo(log_handle, EvtLogOldestRecordNumber, sizeof value, &value, &used));
  EXPECT_EQ(value.UInt64Val, 2u);
  const auto config = keep(EvtOpenChannelConfig(nullptr, widen(k_channel).c_str(), 0));
  ASSERT_TRUE(EvtGetChannelConfigProperty(config, EvtChannelConfigEnabled, 0, sizeof value, &value, &used));
  EXPECT_TRUE(value.BooleanVal);
  channel->set_enabled(false);
  log(3);
  ASSERT_TRUE(EvtGetChannelConfigProperty(config, EvtChannelConfigEnabled, 0, sizeof value, &value, &used));
  EXPECT_FALSE(value.BooleanVal);
  EXPECT_EQ(channel->extent(k_soon_ms)->last, 2u);
}

TEST_F(WevtapiDouble, LogWrapsWhenItIsFull) {
  Channel writer = *Channel::open(k_channel);
  const auto xml = event_xml(k_channel, "Schannel", 1);
  for (std::uint64_t i = 0; i <= k_max_channel_records; ++i)
    writer.append([&](std::uint64_t id) { return with_record_id(xml, id); });
  const auto extent = *channel->extent(k_soon_ms);
  EXPECT_GT(extent.oldest, 1u);
  EXPECT_LT(extent.count(), k_max_channel_records);
}

TEST_F(WevtapiDouble, HandlesAreCheckedAndClosedOnce) {
  const auto bookmark = EvtCreateBookmark(nullptr);
  EXPECT_TRUE(EvtClose(bookmark));
  EXPECT_FALSE(EvtClose(bookmark));
  EXPECT_EQ(GetLastError(), DWORD{ERROR_INVALID_HANDLE});
  EXPECT_FALSE(EvtCreateBookmark(L"not a bookmark"));
}

}  // namespace
}  // namespace rdpmend::lab
