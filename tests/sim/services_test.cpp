// The simulated Service Control Manager.
#include "tests/sim/sim_test_support.hpp"

namespace rdpmend::sim {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

TEST(Services, ShowsWhatAStockHostHas) {
  TestHost host;
  EXPECT_EQ(host.service("sessionenv").run, ServiceRun::running) << "names are without case";
  EXPECT_EQ(host.service("SessionEnv").start_type, v1::SERVICE_START_TYPE_MANUAL);
  EXPECT_EQ(host.service("SessionEnv").running_for, std::optional<Duration>(days{3}));
  EXPECT_EQ(host.service("CryptSvc").start_type, v1::SERVICE_START_TYPE_AUTO);
  EXPECT_FALSE(host.view.services.find("Nonsense").value());
}

TEST(Services, DoesNotStartWhatIsDisabled) {
  TestHost host(
      R"(changes { services { name: "SessionEnv" running: false start_type: SERVICE_START_TYPE_DISABLED } })");
  auto& services = host.control().services;
  const auto refused = services.start("SessionEnv", 30s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(refused.error().os->value, 1058);
  EXPECT_FALSE(refused.error().hint.empty());
  ASSERT_TRUE(services.set_start_type("SessionEnv", v1::SERVICE_START_TYPE_MANUAL));
  EXPECT_TRUE(services.start("SessionEnv", 30s));
  EXPECT_EQ(host.service("SessionEnv").running_for, std::optional<Duration>(0s));
}

TEST(Services, StartsWhatAServiceDependsOn) {
  TestHost host(R"(changes { services { name: "TermService" running: false } })");
  EXPECT_EQ(host.service("UmRdpService").run, ServiceRun::stopped) << "it depends on TermService";
  ASSERT_TRUE(host.control().services.start("UmRdpService", 30s));
  EXPECT_EQ(host.service("TermService").run, ServiceRun::running);
}

TEST(Services, SaysWhichDependencyWouldNotStart) {
  TestHost host(R"(changes { services { name: "TermService" running: false refuses_to_start: true } })");
  const auto refused = host.control().services.start("UmRdpService", 30s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_NE(refused.error().what.find("TermService"), std::string::npos);
  EXPECT_EQ(host.count(k_system_channel, k_scm_provider, 7000), 1U);
}

TEST(Services, WaitsTheWholeDeadlineForOneThatHangsAndLeavesItPending) {
  TestHost host(R"(changes { services { name: "SessionEnv" hangs_on_stop: true } })");
  auto& services = host.control().services;
  const auto status = services.stop("SessionEnv", 30s);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::timeout);
  EXPECT_EQ(host.view.clock.steady(), SteadyTime{std::chrono::days{3} + 30s});
  EXPECT_EQ(host.service("SessionEnv").run, ServiceRun::stop_pending);
  EXPECT_EQ(services.start("SessionEnv", 30s).error().code, ErrorCode::unavailable);
}

TEST(Services, LogsStatesWithTheShortNameInTheBinary) {
  TestHost host;
  ASSERT_TRUE(host.control().services.stop("SessionEnv", 30s));
  const auto events = host.events(k_system_channel, k_scm_provider, 7036);
  ASSERT_EQ(events.size(), 1U);
  // UTF-16 of "SessionEnv/1".
  EXPECT_NE(events[0].find("<Binary>530065007300730069006F006E0045006E0076002F0031000000</Binary>"), std::string::npos)
      << events[0];
}

TEST(Services, LogsAChangedStartTypeOnce) {
  TestHost host;
  auto& services = host.control().services;
  ASSERT_TRUE(services.set_start_type("SessionEnv", v1::SERVICE_START_TYPE_DISABLED));
  ASSERT_TRUE(services.set_start_type("SessionEnv", v1::SERVICE_START_TYPE_DISABLED));
  const auto events = host.events(k_system_channel, k_scm_provider, 7040);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_NE(events[0].find("<Data Name=\"param4\">SessionEnv</Data>"), std::string::npos);
  EXPECT_EQ(services.set_start_type("Nonsense", v1::SERVICE_START_TYPE_AUTO).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace rdpmend::sim
