#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/faults/fault_bench.hpp"

namespace rdpmend::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* k_id = "loopback_tunnel";
const std::string k_rcm = "Microsoft-Windows-TerminalServices-RemoteConnectionManager";
const std::string k_sessions = "Microsoft-Windows-TerminalServices-LocalSessionManager";

struct Bench : FaultBench {
  Bench() : FaultBench(k_id, "healthy") {}

  void authenticates(const std::string& source, const std::string& user = "anna") {
    log(k_rcm, 1149, {{"Param1", user}, {"Param2", "CONTOSO"}, {"Param3", source}});
  }
  void has_session(const std::string& source, std::uint32_t event_id = 21) {
    log(k_sessions, event_id, {{"User", "CONTOSO\\anna"}, {"SessionID", "2"}, {"Address", source}});
  }
  void is_called(const std::string& address) {
    v1::SimChange change;
    auto& ethernet = *change.mutable_firewall()->add_interfaces();
    ethernet.set_name("Ethernet");
    ethernet.set_profile(2);
    ethernet.add_addresses(address);
    host.change(change);
  }

 private:
  void log(const std::string& provider, std::uint32_t id, const std::vector<std::pair<std::string, std::string>>& all) {
    v1::SimChange change;
    auto& event = *change.add_events();
    event.set_channel(provider + "/Operational");
    event.set_provider(provider);
    event.set_event_id(id);
    event.set_user_data("EventXML");
    for (const auto& [name, value] : all) {
      auto& data = *event.add_data();
      data.set_name(name);
      data.set_value(value);
    }
    host.change(change);
  }
};

TEST(LoopbackTunnel, IsAbsentWhereClientsComeFromElsewhere) {
  Bench bench;
  EXPECT_THAT(bench.diagnoses(), IsEmpty());
  bench.authenticates("203.0.113.5");
  bench.has_session("203.0.113.5");
  EXPECT_THAT(bench.diagnoses(), IsEmpty());
}

TEST(LoopbackTunnel, KnowsLoopbackInEachFormThatEventsWrite) {
  for (const std::string source : {"127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "::%16777216"}) {
    Bench bench;
    bench.has_session(source, 25);
    ASSERT_THAT(bench.diagnoses(), SizeIs(1)) << source;
    EXPECT_EQ(bench.diagnoses()[0].subject(), "loopback");
  }
}

TEST(LoopbackTunnel, SaysWhoAndHowOftenAndThatNothingIsDone) {
  Bench bench;
  bench.authenticates("127.0.0.1", "anna");
  bench.authenticates("::1", "bob");
  bench.has_session("127.0.0.1");
  ASSERT_THAT(bench.diagnoses(), SizeIs(1));
  const auto found = bench.diagnoses()[0];
  EXPECT_FALSE(found.repairable());
  EXPECT_THAT(found.DebugString(), HasSubstr("2 in 1 d"));
  EXPECT_THAT(found.DebugString(), HasSubstr("bob"));
  EXPECT_THAT(found.DebugString(), HasSubstr("CONTOSO\\\\anna"));
  EXPECT_THAT(found.advice(), HasSubstr("No session is disconnected"));
}

TEST(LoopbackTunnel, EachOfTheHostsOwnAddressesIsASubject) {
  Bench bench;
  bench.is_called("192.0.2.10");
  bench.authenticates("192.0.2.10");
  bench.authenticates("192.0.2.11");
  bench.authenticates("127.0.0.1");
  ASSERT_THAT(bench.diagnoses(), SizeIs(2));
  EXPECT_EQ(bench.diagnoses()[0].subject(), "192.0.2.10");
  EXPECT_EQ(bench.diagnoses()[1].subject(), "loopback");
}

TEST(LoopbackTunnel, AConsoleIsNone) {
  Bench bench;
  bench.has_session("LOCAL");
  bench.has_session("");  // As an enhanced session of Hyper-V.
  EXPECT_THAT(bench.diagnoses(), IsEmpty());
}

// Azure Bastion's hosts have addresses of their own in AzureBastionSubnet.
TEST(LoopbackTunnel, ABastionInItsOwnSubnetIsNone) {
  Bench bench;
  bench.authenticates("10.1.0.4");
  bench.has_session("10.1.0.4");
  EXPECT_THAT(bench.diagnoses(), IsEmpty());
}

TEST(LoopbackTunnel, AGatewayOnThisHostComesFromItsOwnAddress) {
  Bench bench;
  bench.is_called("192.0.2.10");
  bench.authenticates("192.0.2.10");
  ASSERT_THAT(bench.diagnoses(), SizeIs(1));
  struct WithGateway final : Services {
    explicit WithGateway(const Services& real) : real_(real) {}
    Result<std::optional<ServiceInfo>> find(std::string_view name) const override {
      if (name != "TSGateway") return real_.find(name);
      ServiceInfo info;
      info.run = ServiceRun::running;
      return std::optional(info);
    }
    Status start(std::string_view, Duration) override { return {}; }
    Status stop(std::string_view, Duration) override { return {}; }
    Status set_start_type(std::string_view, v1::ServiceStartType) override { return {}; }
    const Services& real_;
  };
  const auto view = bench.view();
  const WithGateway services(view.services);
  EXPECT_FALSE(bench.detect(HostView{view.identity, view.clock, view.events, view.registry, view.certificates,
                                     view.key_files, services, view.firewall, view.sessions, view.listener}));
}

TEST(LoopbackTunnel, IsUnknownWhereItsLogCannotBeRead) {
  Bench bench;
  v1::SimChange change;
  change.mutable_event_log()->add_unreadable(k_sessions + "/Operational");
  bench.host.change(change);
  EXPECT_EQ(bench.look().outcome(), Finding::OUTCOME_UNKNOWN);
}

TEST(LoopbackTunnel, IsOverADayAfterTheLastOne) {
  Bench bench;
  bench.authenticates("127.0.0.1");
  bench.host.advance(std::chrono::hours{23});
  EXPECT_THAT(bench.diagnoses(), SizeIs(1));
  bench.host.advance(std::chrono::hours{2});
  EXPECT_THAT(bench.diagnoses(), IsEmpty());
}

}  // namespace
}  // namespace rdpmend::test
