// Each check says healthy of a healthy host, faulty of one that is not, and unknown where it could not read.
#include <gmock/gmock.h>

#include <set>

#include "tests/checks/check_bench.hpp"
#include "tests/checks/unreadable_host.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Property;
using testing::UnorderedElementsAre;

std::vector<std::string> names_of(const v1::GetHealthResponse& health, v1::Check::Answer answer) {
  std::vector<std::string> names;
  for (const auto& check : health.checks()) {
    if (check.answer() == answer) names.push_back(check.name());
  }
  return names;
}

TEST(Checks, EachStageHasOneAndTheyComeInItsOrder) {
  std::set<std::string_view> names;
  int stage = v1::STAGE_UNSPECIFIED;
  for (const auto& check : checks::all()) {
    EXPECT_EQ(check.stage, ++stage) << check.name;
    EXPECT_TRUE(names.insert(check.name).second) << check.name;
    EXPECT_TRUE(check.asks.ends_with('?')) << check.name;
  }
  EXPECT_EQ(stage, v1::Stage_MAX);
}

TEST(Checks, OfAHealthyHostAreHealthyButForWhatIsOutOfSight) {
  const CheckBench bench;
  const auto health = bench.health();
  EXPECT_GE(names_of(health, v1::Check::ANSWER_HEALTHY).size(), 12U);
  EXPECT_THAT(names_of(health, v1::Check::ANSWER_UNKNOWN), ElementsAre("name", "licence"));
  EXPECT_EQ(health.answer(), v1::Check::ANSWER_HEALTHY);
  for (const auto& check : health.checks()) {
    EXPECT_GT(check.evidence_size(), 0) << check.name();
    EXPECT_FALSE(check.summary().empty()) << check.name();
    EXPECT_EQ(check.out_of_sight(), check.answer() == v1::Check::ANSWER_UNKNOWN) << check.name();
    EXPECT_EQ(from_proto(check.looked_at()), bench.view().clock.now()) << check.name();
    EXPECT_THAT(check.fault_ids(), ElementsAre()) << check.name();
  }
}

TEST(Checks, AreUnknownWhereNothingCanBeReadAndNeverHealthy) {
  const CheckBench bench;
  const UnreadableHost host(bench.view());
  const auto health = bench.health(host.view());
  EXPECT_THAT(names_of(health, v1::Check::ANSWER_HEALTHY), ElementsAre("agent"));
  EXPECT_THAT(names_of(health, v1::Check::ANSWER_FAULTY), ElementsAre());
  EXPECT_EQ(health.answer(), v1::Check::ANSWER_UNKNOWN);
  for (const auto& check : health.checks()) {
    if (check.name() == "name" || check.name() == "agent") continue;
    EXPECT_THAT(check.summary(), HasSubstr("access is denied")) << check.name();
    EXPECT_FALSE(check.out_of_sight()) << check.name();
  }
}

// --- name ---

v1::OutsideProbe told(const CheckBench& bench, const std::string& host, v1::ProbeStage stage,
                      v1::ProbeOutcome outcome) {
  v1::OutsideProbe told;
  told.set_client("helpdesk");
  *told.mutable_received() = to_proto(bench.view().clock.now());
  auto& report = *told.mutable_report();
  report.set_host(host);
  report.set_address("192.0.2.10");
  report.set_stage(stage);
  report.set_outcome(outcome);
  report.set_detail("as the client saw it");
  return told;
}

TEST(NameCheck, IsWhatTheNewestClientTold) {
  CheckBench bench;
  bench.own.outside = told(bench, "rdp1.example.net", v1::PROBE_STAGE_TLS, v1::PROBE_OUTCOME_OK);
  EXPECT_EQ(bench.check("name").answer(), v1::Check::ANSWER_HEALTHY);
  EXPECT_EQ(bench.check("name").summary(), "rdp1.example.net leads helpdesk to 192.0.2.10");

  bench.own.outside = told(bench, "rdp1.example.net", v1::PROBE_STAGE_NONE, v1::PROBE_OUTCOME_NAME_UNKNOWN);
  EXPECT_EQ(bench.check("name").answer(), v1::Check::ANSWER_FAULTY);

  bench.own.outside = told(bench, "rdp1.example.net", v1::PROBE_STAGE_RESOLVED, v1::PROBE_OUTCOME_CONNECT_TIMEOUT);
  EXPECT_EQ(bench.check("name").answer(), v1::Check::ANSWER_UNKNOWN) << "whose address that is nobody knows";
}

TEST(NameCheck, IsOutOfSightWithoutAReportOfLateThatAskedForAName) {
  CheckBench bench;
  bench.own.outside = told(bench, "192.0.2.10", v1::PROBE_STAGE_TLS, v1::PROBE_OUTCOME_OK);
  EXPECT_TRUE(bench.check("name").out_of_sight());
  bench.own.outside = told(bench, "rdp1.example.net", v1::PROBE_STAGE_TLS, v1::PROBE_OUTCOME_OK);
  bench.host.advance(25h);
  EXPECT_TRUE(bench.check("name").out_of_sight());
  EXPECT_THAT(bench.check("name").summary(), HasSubstr("rdpmend probe"));
}

// --- the handshake ---

// Answers with one report, whatever is asked.
class OneReport final : public Listener {
 public:
  OneReport(v1::ProbeStage stage, v1::ProbeOutcome outcome) {
    report_.set_host("192.0.2.10");
    report_.set_port(3389);
    report_.set_stage(stage);
    report_.set_outcome(outcome);
    report_.set_detail("what the probe says");
    if (stage >= v1::PROBE_STAGE_NEGOTIATED) report_.set_selected_protocol(2);
  }
  Result<ListenerState> state() const override { return ListenerState{true, 3389, std::nullopt, "192.0.2.10"}; }
  Result<v1::ProbeReport> probe(ProbeFrom, Duration) const override { return report_; }

  v1::ProbeReport report_;
};

// tcp, x224, tls, nla.
std::vector<v1::Check::Answer> answers_to(const OneReport& listener) {
  const CheckBench bench;
  const auto& real = bench.view();
  const HostView host{real.identity,  real.clock,    real.events,   real.registry, real.certificates,
                      real.key_files, real.services, real.firewall, real.sessions, listener};
  std::vector<v1::Check::Answer> answers;
  for (const auto* name : {"tcp", "x224", "tls", "nla"}) answers.push_back(bench.check(name, host).answer());
  return answers;
}

TEST(HandshakeChecks, WhatIsNotReachedIsUnknownAndNotFaulty) {
  constexpr auto healthy = v1::Check::ANSWER_HEALTHY;
  constexpr auto faulty = v1::Check::ANSWER_FAULTY;
  constexpr auto unknown = v1::Check::ANSWER_UNKNOWN;
  using v1::PROBE_STAGE_CONNECTED;
  using v1::PROBE_STAGE_NEGOTIATED;
  using v1::PROBE_STAGE_RESOLVED;
  EXPECT_THAT(answers_to({PROBE_STAGE_RESOLVED, v1::PROBE_OUTCOME_REFUSED}),
              ElementsAre(faulty, unknown, unknown, unknown));
  EXPECT_THAT(answers_to({PROBE_STAGE_CONNECTED, v1::PROBE_OUTCOME_CLOSED_BEFORE_CONFIRM}),
              ElementsAre(healthy, faulty, unknown, unknown));
  EXPECT_THAT(answers_to({PROBE_STAGE_NEGOTIATED, v1::PROBE_OUTCOME_TLS_CLOSED}),
              ElementsAre(healthy, healthy, faulty, healthy));
  EXPECT_THAT(answers_to({v1::PROBE_STAGE_TLS, v1::PROBE_OUTCOME_OK}), ElementsAre(healthy, healthy, healthy, healthy));
  EXPECT_THAT(answers_to({PROBE_STAGE_RESOLVED, v1::PROBE_OUTCOME_CANCELLED}),
              ElementsAre(unknown, unknown, unknown, unknown));
}

TEST(HandshakeChecks, ARefusedNegotiationIsNoTlsFault) {
  OneReport refused(v1::PROBE_STAGE_NEGOTIATED, v1::PROBE_OUTCOME_NEGOTIATION_FAILURE);
  refused.report_.clear_selected_protocol();
  EXPECT_THAT(answers_to(refused), ElementsAre(v1::Check::ANSWER_HEALTHY, v1::Check::ANSWER_FAULTY,
                                               v1::Check::ANSWER_UNKNOWN, v1::Check::ANSWER_UNKNOWN));
}

TEST(HandshakeChecks, AListenerWithoutTlsIsOneThatDemandsNoNla) {
  OneReport standard(v1::PROBE_STAGE_NEGOTIATED, v1::PROBE_OUTCOME_STANDARD_RDP_SECURITY);
  standard.report_.set_selected_protocol(0);
  EXPECT_THAT(answers_to(standard), ElementsAre(v1::Check::ANSWER_HEALTHY, v1::Check::ANSWER_HEALTHY,
                                                v1::Check::ANSWER_FAULTY, v1::Check::ANSWER_FAULTY));
}

// --- the host ---

TEST(FirewallCheck, NamesEveryWayIn) {
  const auto check = CheckBench().check("firewall");
  EXPECT_EQ(check.summary(), "TCP port 3389 is let in on interface Ethernet (domain)");
  EXPECT_EQ(CheckBench("firewall-service-down").check("firewall").answer(), v1::Check::ANSWER_FAULTY);
}

TEST(ServiceCheck, NeedsTermServiceRunningAndNothingDisabled) {
  CheckBench stopped;
  stopped.set_service("TermService", v1::SERVICE_START_TYPE_MANUAL, false);
  EXPECT_EQ(stopped.check("service").answer(), v1::Check::ANSWER_FAULTY);
  EXPECT_EQ(stopped.check("service").summary(), "TermService does not run");
  EXPECT_EQ(stopped.check("listener").answer(), v1::Check::ANSWER_FAULTY);
  EXPECT_EQ(stopped.check("session").answer(), v1::Check::ANSWER_UNKNOWN) << "nobody answers";

  CheckBench disabled;
  disabled.set_service("UmRdpService", v1::SERVICE_START_TYPE_DISABLED, true);
  EXPECT_EQ(disabled.check("service").summary(), "service UmRdpService is disabled");

  CheckBench on_demand;
  on_demand.set_service("SessionEnv", v1::SERVICE_START_TYPE_MANUAL, false);
  EXPECT_EQ(on_demand.check("service").answer(), v1::Check::ANSWER_HEALTHY) << "it is started when it is needed";
}

TEST(ListenerCheck, SaysWhyNothingListens) {
  CheckBench by_policy;
  by_policy.set_registry(registry_key::k_policy, "fDenyTSConnections", 1U);
  by_policy.host.advance(1min);
  EXPECT_EQ(by_policy.check("policy").answer(), v1::Check::ANSWER_FAULTY);
  EXPECT_EQ(by_policy.check("policy").summary(), "Group Policy switches Remote Desktop off");

  CheckBench absent;
  absent.remove_registry(registry_key::k_terminal_server, "fDenyTSConnections");
  absent.host.advance(1min);
  EXPECT_EQ(absent.check("listener").answer(), v1::Check::ANSWER_FAULTY);
  EXPECT_EQ(absent.check("listener").summary(), "fDenyTSConnections is absent, which stops the listener");
}

TEST(CertificateCheck, IsUnknownRatherThanFaultyWhileTheClockIsWrong) {
  CheckBench bench("certificate-expired");
  bench.host.advance(1min);
  EXPECT_EQ(bench.check("certificate").answer(), v1::Check::ANSWER_FAULTY);
  EXPECT_EQ(bench.check("tls").answer(), v1::Check::ANSWER_HEALTHY) << "the handshake itself is done";
  v1::SimChange change;
  *change.mutable_clock()->mutable_offset() = to_proto_duration(48h);
  bench.host.change(change);
  const auto check = bench.check("certificate");
  EXPECT_EQ(check.answer(), v1::Check::ANSWER_UNKNOWN);
  EXPECT_THAT(check.summary(), HasSubstr("while clock_wrong is present"));
  EXPECT_FALSE(check.out_of_sight());
  EXPECT_EQ(bench.check("clock").answer(), v1::Check::ANSWER_FAULTY);
}

TEST(NlaCheck, IsFaultyOverANumberOutsideItsSetOnly) {
  CheckBench bench;
  EXPECT_EQ(bench.check("nla").summary(), "CredSSP-EX; Network Level Authentication is required");
  bench.set_registry(registry_key::k_rdp_tcp, "UserAuthentication", 0U);
  EXPECT_EQ(bench.check("nla").answer(), v1::Check::ANSWER_HEALTHY) << "switched off is a decision (measured.md L13)";
  bench.set_registry(registry_key::k_rdp_tcp, "SecurityLayer", 7U);
  EXPECT_EQ(bench.check("nla").answer(), v1::Check::ANSWER_FAULTY);
  EXPECT_EQ(bench.check("nla").summary(), "SecurityLayer of RDP-Tcp is 7, which is no valid value");
  bench.set_registry(registry_key::k_policy, "SecurityLayer", 2U);
  EXPECT_EQ(bench.check("nla").answer(), v1::Check::ANSWER_HEALTHY) << "Group Policy's value counts";
}

TEST(LicenceCheck, IsFaultyOverAFailureThatWasLoggedOfLate) {
  CheckBench bench;
  v1::SimChange change;
  auto& event = *change.add_events();
  event.set_channel("Microsoft-Windows-TerminalServices-RemoteConnectionManager/Admin");
  event.set_provider("Microsoft-Windows-TerminalServices-RemoteConnectionManager");
  event.set_event_id(50280);
  event.set_level(2);
  bench.host.change(change);
  EXPECT_EQ(bench.check("licence").answer(), v1::Check::ANSWER_FAULTY);
  EXPECT_THAT(bench.check("licence").summary(), HasSubstr("50280"));
  bench.host.advance(25h);
  EXPECT_TRUE(bench.check("licence").out_of_sight());
}

TEST(LogonCheck, IsFaultyInDrainModeAndWhereSignInsAreSwitchedOff) {
  CheckBench drained;
  drained.set_registry(registry_key::k_terminal_server, "TSServerDrainMode", 1U);
  EXPECT_EQ(drained.check("logon").answer(), v1::Check::ANSWER_FAULTY);
  CheckBench disabled;
  disabled.set_registry(registry_key::k_winlogon, "WinStationsDisabled", std::string("1"));
  EXPECT_EQ(disabled.check("logon").answer(), v1::Check::ANSWER_FAULTY);
}

TEST(PolicyCheck, SaysWhatIsSetAndIsFaultyOverWhatNoClientCanAgreeTo) {
  CheckBench bench;
  bench.set_registry(registry_key::k_policy, "UserAuthentication", 1U);
  EXPECT_EQ(bench.check("policy").answer(), v1::Check::ANSWER_HEALTHY);
  EXPECT_EQ(bench.check("policy").summary(), "Group Policy sets UserAuthentication 1; none of it keeps clients out");
  bench.set_registry(registry_key::k_policy, "MinEncryptionLevel", 9U);
  EXPECT_EQ(bench.check("policy").answer(), v1::Check::ANSWER_FAULTY);
}

TEST(ClockCheck, IsUnknownWhereNoTimeSourceAnswers) {
  CheckBench bench;
  EXPECT_EQ(bench.check("clock").answer(), v1::Check::ANSWER_HEALTHY);
  v1::SimChange change;
  change.mutable_clock()->set_no_reference(true);
  bench.host.change(change);
  EXPECT_EQ(bench.check("clock").answer(), v1::Check::ANSWER_UNKNOWN);
}

// --- the service itself ---

TEST(AgentCheck, IsFaultyOverADeafChannelAndWhateverIsDegraded) {
  CheckBench deaf;
  deaf.own.channels.emplace_back().set_channel("Security");
  deaf.own.channels.back().set_state(v1::ChannelStatus::STATE_CLOSED);
  deaf.own.channels.back().set_detail("access is denied");
  EXPECT_EQ(deaf.check("agent").answer(), v1::Check::ANSWER_FAULTY);
  EXPECT_EQ(deaf.check("agent").summary(), "event log Security is not followed: access is denied");

  CheckBench degraded;
  degraded.own.degraded = {"the journal cannot be written"};
  EXPECT_EQ(degraded.check("agent").answer(), v1::Check::ANSWER_FAULTY);

  CheckBench stopped;
  stopped.own.breaker_open = true;
  EXPECT_EQ(stopped.check("agent").answer(), v1::Check::ANSWER_FAULTY);
}

TEST(AgentCheck, IsUnknownUntilItsChannelsWereTried) {
  CheckBench bench;
  bench.own.channels.emplace_back().set_channel("Security");
  EXPECT_EQ(bench.check("agent").answer(), v1::Check::ANSWER_UNKNOWN);
  bench.own.channels.clear();
  EXPECT_EQ(bench.check("agent").answer(), v1::Check::ANSWER_UNKNOWN);
}

TEST(AgentCheck, IsNotFaultyOverRecordsThatHaveNotBeenReadYet) {
  CheckBench bench;
  bench.own.channels.front().set_state(v1::ChannelStatus::STATE_BEHIND);
  EXPECT_EQ(bench.check("agent").answer(), v1::Check::ANSWER_HEALTHY);
}

}  // namespace
}  // namespace rdpmend::test
