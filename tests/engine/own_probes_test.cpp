// What the host logs about our own handshakes is nobody's signal; what it logs about a client's at the same time is.
#include "agent-lib/engine/own_probes.hpp"

#include <gmock/gmock.h>

#include "agent-lib/engine/intake.hpp"
#include "tests/engine/rehearsed_engine.hpp"

namespace rdpmend {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* k_own_address = "192.0.2.10";
const std::string k_core_channel = "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational";

class ListenerOnTheLan final : public Listener {
 public:
  Result<ListenerState> state() const override {
    ListenerState state;
    state.own_address = k_own_address;
    return state;
  }
  Result<v1::ProbeReport> probe(ProbeFrom from, Duration) const override {
    if (during) during();
    v1::ProbeReport report;
    report.set_address(from == ProbeFrom::own_address ? k_own_address : "127.0.0.1");
    report.set_local_port(local_port);
    return report;
  }
  std::function<void()> during;
  std::uint16_t local_port = 0;  // Not told.
};

class OwnProbesTest : public testing::Test {
 protected:
  // Events 139, as many as the rule wants; the signals of them.
  std::vector<v1::Signal> drops(const std::string& client, Duration ago = {}) {
    EventBatch batch;
    for (int i = 0; i < 3; ++i) {
      batch.xml.push_back(
          "<Event><System><Provider Name='Microsoft-Windows-RemoteDesktopServices-RdpCoreTS'/>"
          "<EventID>139</EventID><TimeCreated SystemTime='" +
          to_iso8601(clock_.now() - ago) + "'/><Channel>" + k_core_channel +
          "</Channel></System><EventData><Data Name='ResultCode'>0x80090304"
          "</Data><Data Name='IPString'>" +
          client + "</Data></EventData></Event>");
    }
    return intake_.take(k_core_channel, batch, clock_.steady());
  }

  sim::SimHost host_{test::scenario("healthy"), {}};
  const Clock& clock_ = host_.control().clock;
  ListenerOnTheLan listener_;
  OwnProbes probes_{listener_, clock_};
  Catalogue catalogue_ = Catalogue::built_in();
  Tallies tallies_{catalogue_.rules(), clock_};
  Intake intake_{catalogue_, probes_, tallies_};
};

TEST_F(OwnProbesTest, ADropOfOurOwnHandshakeIsLeftOutAndCounted) {
  ASSERT_TRUE(probes_.probe(ProbeFrom::own_address, 5s));
  EXPECT_THAT(drops(k_own_address), IsEmpty());
  EXPECT_THAT(drops(std::string(k_own_address) + ":50123"), IsEmpty());
  EXPECT_THAT(drops("127.0.0.1"), IsEmpty());
  EXPECT_THAT(drops("[::1]:50123"), IsEmpty());
  EXPECT_EQ(intake_.left_out(), 12U);
}

TEST_F(OwnProbesTest, AClientFromAnotherAddressCountsAtTheSameTime) {
  ASSERT_TRUE(probes_.probe(ProbeFrom::own_address, 5s));
  EXPECT_THAT(drops("192.0.2.11"), SizeIs(1));
  EXPECT_EQ(intake_.left_out(), 0U);
}

TEST_F(OwnProbesTest, AnotherPortIsAnotherClientAtTheSameTime) {
  listener_.local_port = 50123;
  ASSERT_TRUE(probes_.probe(ProbeFrom::own_address, 5s));
  EXPECT_THAT(drops("127.0.0.1:50123"), IsEmpty());
  EXPECT_THAT(drops("[::ffff:127.0.0.1]:50123"), IsEmpty());
  EXPECT_THAT(drops("127.0.0.1"), IsEmpty()) << "no port is said";
  EXPECT_THAT(drops("127.0.0.1:50124"), SizeIs(1));
}

TEST_F(OwnProbesTest, WhatAnEarlierRunMayHaveCausedIsLeftOut) {
  EXPECT_THAT(drops("127.0.0.1:50123", 1h), IsEmpty());
  EXPECT_THAT(drops("192.0.2.11", 1h), SizeIs(1));
}

TEST_F(OwnProbesTest, OurOwnAddressCountsWhenWeDidNotProbe) {
  EXPECT_THAT(drops(k_own_address), SizeIs(1)) << "before";
  host_.advance(1h);
  ASSERT_TRUE(probes_.probe(ProbeFrom::own_address, 5s));
  host_.advance(1min);
  EXPECT_THAT(drops(k_own_address), SizeIs(1)) << "after";
  EXPECT_THAT(drops(k_own_address, 1min), IsEmpty()) << "read late, but logged then";
}

TEST_F(OwnProbesTest, AProbeOfLoopbackIsNoneFromTheLan) {
  ASSERT_TRUE(probes_.probe(ProbeFrom::loopback, 5s));
  EXPECT_THAT(drops(k_own_address), SizeIs(1));
}

TEST_F(OwnProbesTest, AnEventThatIsReadWhileTheProbeIsUnderWayIsLeftOut) {
  std::vector<v1::Signal> signals(1);
  listener_.during = [&] { signals = drops(k_own_address); };
  ASSERT_TRUE(probes_.probe(ProbeFrom::own_address, 5s));
  EXPECT_THAT(signals, IsEmpty());
}

TEST_F(OwnProbesTest, AnEventThatNamesNoClientCounts) {
  ASSERT_TRUE(probes_.probe(ProbeFrom::own_address, 5s));
  EXPECT_THAT(drops(""), SizeIs(1));
}

TEST_F(OwnProbesTest, TheEnginesOwnProbesOfABrokenHostAreNoSignals) {
  auto broken = test::scenario("healthy");
  broken.add_changes()->mutable_certificate()->add_key_readers_removed("S-1-5-20");
  sim::SimHost host{broken, {}};
  sim::MemoryJournal journal;
  v1::PolicyConfig observe;
  for (const auto& fault : catalogue_.faults()) {
    auto& policy = *observe.add_faults();
    policy.set_fault_id(fault.id());
    policy.set_mode(v1::FAULT_MODE_OBSERVE);
  }
  test::RehearsedEngine rehearsed(host, journal, observe);
  rehearsed.run_for(1h);
  EXPECT_GE(rehearsed.engine().snapshot()->own_probe_events, 3U);
  const auto dropped = [&] {
    std::vector<std::string> clients;
    for (const auto& entry : test::all_entries(journal)) {
      const auto& signal = entry.signal_raised().signal();
      if (signal.rule_id() == "rdp_security_layer_failed") clients.push_back(signal.captures().at("client"));
    }
    return clients;
  };
  EXPECT_THAT(dropped(), IsEmpty());
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(host.client_connects());
  rehearsed.run_for(1min);
  EXPECT_THAT(dropped(), testing::ElementsAre("203.0.113.7"));
}

}  // namespace
}  // namespace rdpmend
