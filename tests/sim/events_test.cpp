// The simulated event log: layouts, look-ups, subscriptions, bookmarks, waiting.
#include <filesystem>
#include <fstream>
#include <future>
#include <set>
#include <sstream>

#include "agent-lib/events/event_xml.hpp"
#include "agent-lib/sim/event_log.hpp"
#include "agent-lib/sim/scenarios.hpp"
#include "tests/paths.hpp"
#include "tests/sim/sim_test_support.hpp"

namespace rdpmend::sim {
namespace {

using namespace std::chrono_literals;

// Does everything to a host that it logs about.
void make_every_event(TestHost& host) {
  host.change("clock { offset { seconds: 60 } }");
  EXPECT_TRUE(host.client_connects());
  host.change(
      R"(certificate { expires_in { seconds: 864000 } key_readers_removed: "S-1-5-20" key_readers_removed: "S-1-5-18" })");
  EXPECT_FALSE(host.client_connects());
  host.change("certificate { absent: true }");
  host.advance(61s);
  EXPECT_FALSE(host.client_connects());
  host.change("certificate { key_missing: true }");
  host.advance(61s);
  EXPECT_FALSE(host.client_connects());
  host.advance(5s);
  host.change(R"(services { name: "TermService" running: false refuses_to_start: true })");
  EXPECT_FALSE(host.control().services.start("TermService", 1s));
  host.change(R"(services { name: "SessionEnv" start_type: SERVICE_START_TYPE_DISABLED })");
  host.change(R"(firewall { rules { rule_id: "RemoteDesktop-UserMode-In-TCP" enabled: false }
                            rules { rule_id: "RemoteDesktop-UserMode-In-UDP" absent: true } })");
}

struct Logged {
  std::string channel, xml;
};
std::vector<Logged> all_events(TestHost& host, std::vector<std::unique_ptr<EventSubscription>>& subscriptions) {
  std::vector<Logged> all;
  std::size_t at = 0;
  for (const auto channel : k_channels) {
    auto batch = subscriptions[at++]->next(10'000).value();
    for (auto& xml : batch.xml) all.push_back({std::string(channel), std::move(xml)});
  }
  (void)host;
  return all;
}

std::vector<std::unique_ptr<EventSubscription>> subscribe_to_all(TestHost& host) {
  std::vector<std::unique_ptr<EventSubscription>> subscriptions;
  for (const auto channel : k_channels) {
    subscriptions.push_back(host.control().events.subscribe({std::string(channel), "*"}, std::nullopt).value());
  }
  return subscriptions;
}

// Names of the data fields, in order; "(unnamed)" for classic events.
std::vector<std::string> layout_of(const EventRecord& record) {
  std::vector<std::string> names;
  for (const auto& field : record.fields) names.push_back(field.name.empty() ? "(unnamed)" : field.name);
  return names;
}

TEST(Events, AreParsedWithTheirChannelNumberAndTime) {
  TestHost host("sessions: 1");
  auto subscriptions = subscribe_to_all(host);
  make_every_event(host);
  std::set<std::pair<std::string, std::uint32_t>> kinds;
  for (const auto& logged : all_events(host, subscriptions)) {
    const auto record = parse_event(logged.xml);
    ASSERT_TRUE(record) << record.error().what << "\n" << logged.xml;
    EXPECT_EQ(record->channel, logged.channel);
    EXPECT_EQ(record->computer, "rds1.rehearsal.test");
    EXPECT_GT(record->record_id, 0U);
    ASSERT_TRUE(record->time);
    EXPECT_LE(*record->time, host.view.clock.now());
    kinds.emplace(record->provider, record->event_id);
  }
  EXPECT_GE(kinds.size(), 18U);
}

// The layouts are those of real hosts, wherever a real example of the kind is at hand.
TEST(Events, HaveTheFieldsOfRealOnes) {
  const std::filesystem::path file = test::source_dir() + "/../shared/evtx/examples.xml";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is absent";
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  std::map<std::pair<std::string, std::uint32_t>, std::set<std::vector<std::string>>> real;
  const auto examples = text.str();
  for (auto at = examples.find("<Event "); at != std::string::npos;) {
    const auto end = examples.find("</Event>", at) + 8;
    if (const auto record = parse_event(std::string_view(examples).substr(at, end - at))) {
      real[{record->provider, record->event_id}].insert(layout_of(*record));
    }
    at = examples.find("<Event ", end);
  }
  TestHost host("sessions: 1");
  auto subscriptions = subscribe_to_all(host);
  make_every_event(host);
  std::set<std::pair<std::string, std::uint32_t>> compared;
  for (const auto& logged : all_events(host, subscriptions)) {
    const auto record = parse_event(logged.xml).value();
    const auto found = real.find({record.provider, record.event_id});
    if (found == real.end()) continue;
    EXPECT_TRUE(found->second.contains(layout_of(record))) << logged.xml;
    compared.insert(found->first);
  }
  EXPECT_GE(compared.size(), 7U) << "hardly anything was compared";
}

TEST(Events, NeverDependOnTheLanguageOfTheHost) {
  std::set<std::string> statuses;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    TestHost host(R"(changes { certificate { expires_in { seconds: -1 } key_readers_removed: "S-1-5-18" } })",
                  {.seed = seed});
    const auto events = host.events(k_system_channel, k_rcm_provider, 1058);
    ASSERT_EQ(events.size(), 1U) << "seed " << seed;
    const auto record = parse_event(events[0]).value();
    statuses.insert(std::string(record.positional(1).value()));
  }
  EXPECT_EQ(statuses.size(), 4U);
}

// A scenario's events: any channel, provider and id, in the shapes that real events have.
TEST(ToldEvents, AreLoggedAsOftenAsToldAndSpacedInTime) {
  TestHost host(R"(changes { after { seconds: 5 } events {
    channel: "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational"
    provider: "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS" event_id: 131 user_sid: "S-1-5-20"
    data { name: "ConnType" value: "TCP" } data { name: "ClientIP" value: "127.0.0.1:49832" }
    times: 30 spacing { seconds: 2 } } })");
  host.advance(4s);
  EXPECT_EQ(host.count(k_rdp_core_operational, k_rdp_core_provider, 131), 0U);
  host.advance(1s);
  EXPECT_EQ(host.count(k_rdp_core_operational, k_rdp_core_provider, 131), 1U);
  host.advance(10s);
  EXPECT_EQ(host.count(k_rdp_core_operational, k_rdp_core_provider, 131), 6U);
  host.advance(1h);
  const auto all = host.events(k_rdp_core_operational, k_rdp_core_provider, 131);
  ASSERT_EQ(all.size(), 30U);
  const auto newest = parse_event(all.front()).value();
  const auto oldest = parse_event(all.back()).value();
  EXPECT_EQ(*newest.time - *oldest.time, 58s);
  EXPECT_EQ(newest.level, 4U);
  EXPECT_EQ(newest.named("ClientIP"), "127.0.0.1:49832");
}

TEST(ToldEvents, LookLikeThoseThatTheHostWritesItself) {
  TestHost host("sessions: 1");
  EXPECT_TRUE(host.client_connects());
  host.change(R"(events {
    channel: "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational"
    provider: "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS" event_id: 131
    data { name: "ConnType" value: "TCP" } data { name: "ClientIP" value: "203.0.113.9:50000" } })");
  const auto all = host.events(k_rdp_core_operational, k_rdp_core_provider, 131);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(layout_of(parse_event(all[0]).value()), layout_of(parse_event(all[1]).value()));
  EXPECT_NE(all[0].find("Guid=\"{1139C61B-B549-4251-8ED3-27250A1EDEC8}\""), std::string::npos);
}

TEST(ToldEvents, HaveUnnamedDataByPositionAsClassicOnesDo) {
  TestHost host;
  host.change(
      R"(events { channel: "System" provider: "Service Control Manager" event_id: 7031 level: 2 qualifiers: 49152
    data { value: "Remote Desktop <Services>" } data { value: "3" } binary: "T\000e\000" })");
  const auto logged = parse_event(host.events(k_system_channel, k_scm_provider, 7031).at(0)).value();
  EXPECT_EQ(logged.positional(1), "Remote Desktop <Services>");
  EXPECT_EQ(logged.positional(2), "3");
  EXPECT_EQ(logged.level, 2U);
  EXPECT_EQ(logged.event_id, 7031U);
  EXPECT_EQ(logged.binary, "54006500");
}

TEST(ToldEvents, MayHaveUserDataAndAChannelThatTheStockHostLacks) {
  TestHost host(
      R"(changes { after { seconds: 1 } events { channel: "Vendor-Driver/Operational" provider: "Vendor-Driver" event_id: 9
    user_data: "EventXML" data { name: "Session" value: "3" } } })");
  auto subscription = host.control().events.subscribe({"Vendor-Driver/Operational", "*"}, std::nullopt);
  ASSERT_TRUE(subscription) << "the channel is there before its first event";
  host.advance(1s);
  const auto batch = (*subscription)->next(10).value();
  ASSERT_EQ(batch.xml.size(), 1U);
  EXPECT_EQ(parse_event(batch.xml[0])->named("Session"), "3");
}

TEST(Lookup, GivesTheNewestFirstAndNotMoreThanAskedFor) {
  TestHost host;
  auto& firewall = host.control().firewall;
  for (int i = 0; i < 6; ++i) {
    host.advance(10s);
    ASSERT_TRUE(firewall.set_enabled("RemoteDesktop-UserMode-In-TCP", i % 2 != 0));
  }
  const auto since = host.view.clock.now() - 25s;
  const EventLookup what{std::string(k_firewall_channel), std::string(k_firewall_provider), {2004, 2005}, since, 2};
  const auto newest = host.view.events.look_up(what).value();
  ASSERT_EQ(newest.size(), 2U);
  EXPECT_GT(parse_event(newest[0])->record_id, parse_event(newest[1])->record_id);
  EXPECT_EQ(host.view.events.look_up({what.channel, what.provider, {2005}, since, 64}).value().size(), 3U);
  EXPECT_EQ(host.view.events.look_up({"Nonsense", what.provider, {2005}, since, 64}).error().code,
            ErrorCode::not_found);
}

TEST(Subscription, BeginsWithWhatIsLoggedFromNowOn) {
  TestHost host;
  host.client_connects();
  auto subscription = host.control().events.subscribe({std::string(k_rdp_core_operational), "*"}, std::nullopt).value();
  const auto nothing = subscription->next(100).value();
  EXPECT_TRUE(nothing.xml.empty());
  EXPECT_TRUE(nothing.bookmark.empty());
  host.client_connects();
  EXPECT_EQ(subscription->next(100).value().xml.size(), 2U);
}

TEST(Subscription, GoesOnAfterItsBookmark) {
  TestHost host;
  auto& events = host.control().events;
  std::string bookmark;
  {
    auto subscription = events.subscribe({"System", "*"}, std::nullopt).value();
    for (int i = 0; i < 5; ++i) host.change(i % 2 == 0 ? "clock { offset { seconds: 1 } }" : "clock {}");
    const auto batch = subscription->next(2).value();
    ASSERT_EQ(batch.xml.size(), 2U);
    bookmark = batch.bookmark;
  }
  auto again = events.subscribe({"system", "*"}, bookmark).value();
  const auto rest = again->next(100).value();
  EXPECT_EQ(rest.xml.size(), 3U);
  EXPECT_FALSE(rest.gap);
}

TEST(Subscription, GoesOnWithWhatTheLogStillHoldsWhenItsBookmarkedRecordIsGone) {
  TestHost host;
  const std::string channel{k_rdp_core_operational};
  for (std::size_t i = 0; i <= EventLog::k_max_records / 2; ++i) ASSERT_TRUE(host.client_connects());
  auto subscription = host.control().events.subscribe({channel, "*"}, bookmark_after(channel, 1)).value();
  std::size_t read = 0;
  for (bool first = true;; first = false) {
    const auto batch = subscription->next(1000).value();
    EXPECT_EQ(batch.gap, first);
    if (batch.xml.empty()) break;
    read += batch.xml.size();
  }
  EXPECT_EQ(read, EventLog::k_max_records);
}

TEST(Subscription, RefusesWhatIsNoBookmarkAndNoChannel) {
  TestHost host;
  auto& events = host.control().events;
  EXPECT_EQ(events.subscribe({"System", "*"}, "nonsense").error().code, ErrorCode::corrupt);
  EXPECT_EQ(events.subscribe({"Nonsense", "*"}, std::nullopt).error().code, ErrorCode::not_found);
}

TEST(Subscription, SaysThatTheLogWrapped) {
  TestHost host;
  auto& events = host.control().events;
  auto subscription = events.subscribe({std::string(k_rdp_core_operational), "*"}, std::nullopt).value();
  for (std::size_t i = 0; i <= EventLog::k_max_records / 2; ++i) ASSERT_TRUE(host.client_connects());
  const auto batch = subscription->next(10).value();
  EXPECT_TRUE(batch.gap);
  EXPECT_EQ(batch.xml.size(), 10U);
  EXPECT_FALSE(subscription->next(10).value().gap) << "a gap is told once";
}

TEST(Waiting, EndsWithAnEventAWakeAStopOrTheTime) {
  TestHost host("", {.real_time = true});
  auto& events = host.control().events;
  auto subscription = events.subscribe({"System", "*"}, std::nullopt).value();
  const auto in_background = [&](std::stop_token stop) {
    return std::async(std::launch::async, [&events, stop] { events.wait(stop, 60s); });
  };
  auto for_event = in_background({});
  EXPECT_EQ(for_event.wait_for(20ms), std::future_status::timeout);
  host.change("clock { offset { seconds: 1 } }");
  EXPECT_EQ(for_event.wait_for(10s), std::future_status::ready);
  EXPECT_EQ(subscription->next(10).value().xml.size(), 1U);

  auto for_wake = in_background({});
  events.wake();
  EXPECT_EQ(for_wake.wait_for(10s), std::future_status::ready);

  std::stop_source source;
  auto for_stop = in_background(source.get_token());
  source.request_stop();
  EXPECT_EQ(for_stop.wait_for(10s), std::future_status::ready);

  const auto begin = std::chrono::steady_clock::now();
  events.wait({}, 30ms);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 30ms);
}

TEST(Waiting, OnAVirtualClockEndsWhenTheClockHasMovedOn) {
  TestHost host;
  auto& events = host.control().events;
  auto waiting = std::async(std::launch::async, [&] { events.wait({}, 10s); });
  EXPECT_EQ(waiting.wait_for(20ms), std::future_status::timeout);
  host.advance(3600s);
  EXPECT_EQ(waiting.wait_for(10s), std::future_status::ready);
}

TEST(RealTime, ThingsHappenAlthoughNobodyCalls) {
  TestHost host(
      R"(changes { after { nanos: 30000000 } story: "now" certificate { absent: true } client_connects: true })",
      {.real_time = true});
  std::promise<void> told;
  host.set_on_story([&](const std::string&) { told.set_value(); });
  EXPECT_EQ(told.get_future().wait_for(10s), std::future_status::ready);
  auto subscription = host.control().events.subscribe({"System", "*"}, std::nullopt).value();
  host.control().events.wait({}, 10s);
  EXPECT_EQ(host.certificate_events(1056), 1U) << "SessionEnv made a new one after the client's attempt";
}

}  // namespace
}  // namespace rdpmend::sim
