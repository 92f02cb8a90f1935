// The composition root over a rehearsed host in real time: it comes up, mends, stops, and says why when it cannot.
#include "service/app.hpp"

#include <gmock/gmock.h>

#include "agent-lib/sim/scenarios.hpp"
#include "service/config/config.hpp"
#include "service/healing_watch.hpp"
#include "service/hosts/rehearsed_host.hpp"
#include "tests/rpc/rpc_world.hpp"

namespace rdpmend {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::unique_ptr<RehearsedHost> rehearsed(const std::string& scenario) {
  return RehearsedHost::open(sim::find_scenario(scenario).value(), 0, [](const std::string&) {}).value();
}

v1::ServiceConfig any_port() {
  auto config = default_config();
  config.mutable_rpc()->set_listen("127.0.0.1:0");
  return config;
}

std::vector<v1::JournalEntry> entries_of(const App& app) {
  return app.journal().read(0, 10'000, 0).value();
}

// Wakes a test when the journal grows.
class Bell {
 public:
  std::function<void(std::uint64_t)> ring() {
    return [this](std::uint64_t) {
      const std::scoped_lock lock(mutex_);
      ++rings_;
      rang_.notify_all();
    };
  }
  bool wait_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + k_patience;
    for (;;) {
      const auto before = rings();
      if (done()) return true;
      std::unique_lock lock(mutex_);
      if (!rang_.wait_until(lock, deadline, [&] { return rings_ != before; })) return done();
    }
  }

 private:
  std::uint64_t rings() {
    const std::scoped_lock lock(mutex_);
    return rings_;
  }
  std::mutex mutex_;
  std::condition_variable rang_;
  std::uint64_t rings_ = 0;
};

TEST(App, HealsARehearsedHostByItself) {
  const TempFolder state;
  const auto host = rehearsed("certificate-expired");
  Bell bell;
  auto app = App::start({any_port(), state.path(), host->control(), bell.ring()});
  ASSERT_TRUE(app) << to_string(app.error());
  HealingWatch watch((*app)->journal(), {"certificate_expired"}, [&] {
    const auto report = host->control().listener.probe(ProbeFrom::own_address, std::chrono::seconds{5});
    return report ? fault_of(*report, host->control().clock.now()) : report.error().what;
  });
  std::optional<Healing> answer;
  ASSERT_TRUE(bell.wait_until([&] { return (answer = watch.look()).has_value(); }));
  EXPECT_TRUE(answer->healed) << answer->why;
}

TEST(App, AHostThatCannotBeHealedIsSaidToBeSo) {
  const TempFolder state;
  const auto host = rehearsed("clock-wrong");
  Bell bell;
  auto app = App::start({any_port(), state.path(), host->control(), bell.ring()});
  ASSERT_TRUE(app) << to_string(app.error());
  HealingWatch watch((*app)->journal(), {"clock_wrong"}, [] { return std::string(); });
  std::optional<Healing> answer;
  ASSERT_TRUE(bell.wait_until([&] { return (answer = watch.look()).has_value(); }));
  EXPECT_FALSE(answer->healed);
  EXPECT_THAT(answer->why, HasSubstr("reported, not repaired"));
}

TEST(App, StopsInOrderAndRemembersEverythingAtTheNextStart) {
  const TempFolder state;
  const auto host = rehearsed("healthy");
  {
    auto app = App::start({any_port(), state.path(), host->control(), {}});
    ASSERT_TRUE(app) << to_string(app.error());
    (*app)->stop("the test says so");
  }
  auto app = App::start({any_port(), state.path(), host->control(), {}});
  ASSERT_TRUE(app) << to_string(app.error());
  const auto entries = entries_of(**app);
  const auto stopped = std::ranges::find_if(entries, &v1::JournalEntry::has_service_stopped);
  ASSERT_NE(stopped, entries.end());
  EXPECT_EQ(stopped->service_stopped().reason(), "the test says so");
  EXPECT_EQ(std::ranges::count_if(entries, &v1::JournalEntry::has_service_started), 2);
}

TEST(App, TheAdministratorsProfileLeadsToTheService) {
  const TempFolder state;
  const auto host = rehearsed("healthy");
  auto app = App::start({any_port(), state.path(), host->control(), {}});
  ASSERT_TRUE(app) << to_string(app.error());
  EXPECT_THAT(bytes_of((*app)->admin_profile()), HasSubstr((*app)->rpc_address()));
}

std::string troubles(const App& app) {
  std::string found;
  for (const auto& entry : entries_of(app))
    if (entry.has_service_trouble()) found += entry.service_trouble().what();
  return found;
}

bool repaired_something(const App& app) {
  return std::ranges::any_of(entries_of(app), [](const v1::JournalEntry& entry) {
    return entry.incident_state_changed().to() == v1::INCIDENT_STATE_REPAIRED;
  });
}

// Somebody listens there, within the limit.
bool listens(const std::string& address) {
  asio::io_context io;
  const auto colon = address.rfind(':');
  const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(address.substr(0, colon)),
                                         static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  const auto deadline = std::chrono::steady_clock::now() + k_patience;
  boost::system::error_code error = asio::error::timed_out;
  while (error && std::chrono::steady_clock::now() < deadline) asio::ip::tcp::socket(io).connect(endpoint, error);
  return !error;
}

TEST(App, HealsAlthoughItsPortIsInUseSaysSoAndListensOnceThePortIsFree) {
  const TempFolder state, other;
  const auto healthy = rehearsed("healthy");
  auto first = App::start({any_port(), state.path(), healthy->control(), {}});
  ASSERT_TRUE(first) << to_string(first.error());
  const auto address = (*first)->rpc_address();
  auto config = any_port();
  config.mutable_rpc()->set_listen(address);
  const auto broken = rehearsed("certificate-expired");
  Bell bell;
  const auto second = App::start({config, other.path(), broken->control(), bell.ring()});
  ASSERT_TRUE(second) << to_string(second.error());
  EXPECT_THAT(troubles(**second), AllOf(HasSubstr(address), HasSubstr("rpc.listen")));
  EXPECT_TRUE(bell.wait_until([&] { return repaired_something(**second); }));
  (*first)->stop("the test makes room");
  EXPECT_TRUE(listens(address));
}

TEST(App, ADamagedJournalIsSetAsideAndTheServiceSaysSo) {
  const TempFolder state;
  const auto host = rehearsed("healthy");
  write_bytes(state / "journal.sqlite", std::string(8192, 'x'));
  auto app = App::start({any_port(), state.path(), host->control(), {}});
  ASSERT_TRUE(app) << to_string(app.error());
  EXPECT_THAT((*app)->engine().snapshot()->degraded, Not(IsEmpty()));
}

TEST(App, BadSiteRulesDegradeItAndTheGoodOnesAreInForce) {
  const TempFolder state;
  const auto host = rehearsed("healthy");
  write_bytes(state / "site.textproto", "overrides { rule_id: \"no_such_rule\" disabled: true }\n");
  auto config = any_port();
  config.add_site_rules((state / "site.textproto").string());
  config.add_site_rules((state / "absent.textproto").string());
  auto app = App::start({config, state.path(), host->control(), {}});
  ASSERT_TRUE(app) << to_string(app.error());
  EXPECT_THAT((*app)->engine().snapshot()->degraded,
              testing::ElementsAre(HasSubstr("no_such_rule"), HasSubstr("absent.textproto")));
}

TEST(GuardedThread, ReportsWhatEscapesAndGoesOn) {
  std::vector<std::string> reports;
  GuardedThread thread("test", [&](const auto& where, const auto& what) { reports.push_back(where + ": " + what); });
  bool ran_on = false;
  asio::post(thread.executor(), [] { throw std::runtime_error("oops"); });
  asio::post(thread.executor(), [] { throw 5; });
  asio::post(thread.executor(), [&] { ran_on = true; });
  thread.start();
  thread.finish();
  EXPECT_TRUE(ran_on);
  EXPECT_THAT(reports, testing::ElementsAre("test: oops", "test: an unknown exception"));
}

}  // namespace
}  // namespace rdpmend
