// What a user of the rehearsal sees, from the fault to the verified repair, and what the CLI tells of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/e2e/plain_rdp_client.hpp"
#include "tests/e2e/rehearsal.hpp"

namespace rdpmend::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Finished rehearse_until_healed(const std::string& scenario, const StateFolder& state) {
  return testing_support::run({program("rdpmendd"), "rehearse", scenario, "--until-healed", "--state", state.path()},
                              k_patience);
}

TEST(UntilHealed, AnExpiredCertificateIsHealed) {
  const StateFolder state;
  const Finished rehearsal = rehearse_until_healed("certificate-expired", state);
  EXPECT_EQ(rehearsal.exit_code, 0) << rehearsal.standard_output << rehearsal.standard_error;
  EXPECT_THAT(rehearsal.standard_output, HasSubstr("healed"));
}

TEST(UntilHealed, ADisabledFirewallRuleIsHealed) {
  const StateFolder state;
  const Finished rehearsal = rehearse_until_healed("firewall-rule-disabled", state);
  EXPECT_EQ(rehearsal.exit_code, 0) << rehearsal.standard_output << rehearsal.standard_error;
}

TEST(UntilHealed, AWrongClockIsReportedAndNotRepaired) {
  const StateFolder state;
  const Finished rehearsal = rehearse_until_healed("clock-wrong", state);
  EXPECT_EQ(rehearsal.exit_code, 2) << rehearsal.standard_output << rehearsal.standard_error;
  EXPECT_THAT(rehearsal.standard_output, HasSubstr("not healed"));
}

TEST(Scenarios, AnUnknownOneIsRefusedWithTheNamesOfThoseThatAre) {
  const Finished refused = testing_support::run({program("rdpmendd"), "rehearse", "no-such-thing"}, k_patience);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.standard_error, AllOf(HasSubstr("no-such-thing"), HasSubstr("certificate-expired")));
  const Finished list = testing_support::run({program("rdpmendd"), "rehearse", "--list"}, k_patience);
  EXPECT_EQ(list.exit_code, 0);
  EXPECT_THAT(list.standard_output, AllOf(HasSubstr("certificate-expired"), HasSubstr("clock-wrong"),
                                          HasSubstr("firewall-rule-disabled"), HasSubstr("healthy")));
}

TEST(Scenarios, OneFromAFileIsRehearsedAndItsMistakesAreToldAtTheirPlaces) {
  const StateFolder folder;
  const auto file = folder.path() + "/ours.textproto";
  const auto rehearse = [&](const std::string& text) {
    std::filesystem::create_directories(folder.path());
    std::ofstream(file) << text;
    return testing_support::run(
        {program("rdpmendd"), "rehearse", "--file", file, "--until-healed", "--state", folder.path() + "/state"},
        k_patience);
  };
  const Finished healed = rehearse(R"(changes { after { seconds: 1 } story: "The rules go off."
    firewall { rules { rule_id: "RemoteDesktop-UserMode-In-TCP" enabled: false } } }
    expect { present { fault_id: "firewall_rule_disabled" ends: INCIDENT_STATE_REPAIRED } })");
  EXPECT_EQ(healed.exit_code, 0) << healed.standard_output << healed.standard_error;
  EXPECT_THAT(healed.standard_output, AllOf(HasSubstr("Rehearsal ours"), HasSubstr("The rules go off.")));

  const Finished refused = rehearse("changes {\n  afer { seconds: 1 }\n}\n");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.standard_error, AllOf(HasSubstr("ours.textproto:2:"), HasSubstr("Correct the scenario file")));
}

TEST(CertificateExpired, AfterTheRepairAnotherAndValidCertificateIsServed) {
  const StateFolder state;
  Rehearsal rehearsal("certificate-expired", state);
  const v1::Incident incident = rehearsal.wait_until_closed();
  ASSERT_EQ(incident.state(), v1::INCIDENT_STATE_REPAIRED) << incident.DebugString();
  const auto& expired = incident.diagnosis().facts().at("thumbprint");

  const auto seen = see_certificate(rehearsal.rdp_port());
  ASSERT_TRUE(seen);
  EXPECT_TRUE(seen->valid_now);

  // The probe, our own and the service's, saw the same one.
  const auto probe = rehearsal.ask<v1::ProbeReport>({"probe", "127.0.0.2:" + std::to_string(rehearsal.rdp_port())});
  EXPECT_EQ(probe.outcome(), v1::PROBE_OUTCOME_OK);
  EXPECT_EQ(probe.certificate().sha256(), seen->sha256);
  EXPECT_NE(probe.certificate().sha1(), expired);
  EXPECT_EQ(incident.repair().verdict().probe().certificate().sha256(), seen->sha256);
}

TEST(CertificateExpired, TheCliTellsTheWholeStory) {
  const StateFolder state;
  Rehearsal rehearsal("certificate-expired", state);
  ChildProcess watch(rehearsal.command({"watch", "--from-start"}));
  const v1::Incident incident = rehearsal.wait_until_closed();
  const auto id = std::to_string(incident.id());

  EXPECT_TRUE(watch.wait_for_line([](const auto& line) { return line.find("repair ended, repaired") != line.npos; },
                                  k_patience))
      << watch.standard_output();
  watch.send_signal(SIGINT);
  EXPECT_EQ(watch.wait(k_patience), 0) << watch.standard_error();

  const Finished shown = rehearsal.cli({"show", id});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_THAT(shown.standard_output,
              AllOf(HasSubstr("certificate_expired"), HasSubstr("SessionEnv"), Not(HasSubstr("\x1b["))));

  const auto status = rehearsal.ask<v1::GetStatusResponse>({"status"});
  EXPECT_EQ(status.open_incidents(), 0U);
  EXPECT_EQ(status.client_role(), "admin");
  EXPECT_EQ(status.last_probe().outcome(), v1::PROBE_OUTCOME_OK);
  EXPECT_EQ(rehearsal.cli({"status", "--check"}).exit_code, 0);

  const auto all = rehearsal.ask<v1::ListIncidentsResponse>({"incidents", "--all"});
  ASSERT_EQ(all.incidents_size(), 1);
  EXPECT_EQ(all.incidents(0).state(), v1::INCIDENT_STATE_REPAIRED);

  const Finished journal = rehearsal.cli({"journal", "--verify"});
  EXPECT_EQ(journal.exit_code, 0) << journal.standard_error;
}

TEST(Relax, AClientWithoutNlaGetsInForAsLongAsItIsLentAndNotAfterwards) {
  const StateFolder state;
  Rehearsal rehearsal("healthy", state);
  const auto without_nla = [&] {
    const Finished probed = rehearsal.cli(
        {"probe", "127.0.0.2:" + std::to_string(rehearsal.rdp_port()), "--request", "1", "--format", "json"});
    v1::ProbeReport report;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(probed.standard_output, &report).ok());
    return report;
  };
  EXPECT_EQ(without_nla().failure_code(), 5U) << "NLA is demanded";
  const Finished relaxed = rehearsal.cli({"relax", "nla", "--for", "10m", "--reason", "an old client"});
  ASSERT_EQ(relaxed.exit_code, 0) << relaxed.standard_error;
  EXPECT_EQ(without_nla().outcome(), v1::PROBE_OUTCOME_OK);
  EXPECT_THAT(rehearsal.cli({"status"}).standard_output, HasSubstr("an old client"));
  ASSERT_EQ(rehearsal.cli({"return", "nla"}).exit_code, 0);
  EXPECT_EQ(without_nla().failure_code(), 5U);
}

TEST(ClockWrong, AnOpenIncidentShowsInTheExitCode) {
  const StateFolder state;
  Rehearsal rehearsal("clock-wrong", state);
  ChildProcess watch(rehearsal.command({"watch", "--from-start", "--format", "json"}));
  ASSERT_TRUE(watch.wait_for_line([](const auto& line) { return line.find("INCIDENT_STATE_ESCALATED") != line.npos; },
                                  k_patience))
      << watch.standard_output();
  EXPECT_EQ(rehearsal.cli({"status", "--check"}).exit_code, 5);
  const auto open = rehearsal.ask<v1::ListIncidentsResponse>({"incidents"});
  ASSERT_EQ(open.incidents_size(), 1);
  EXPECT_EQ(open.incidents(0).diagnosis().fault_id(), "clock_wrong");
}

}  // namespace
}  // namespace rdpmend::e2e
