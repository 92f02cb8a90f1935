#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/faults/fault_bench.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;

const std::string k_service_disabled = "certificate_service_disabled";

v1::SimChange disabled(const std::string& service) {
  v1::SimChange change;
  auto& changed = *change.add_services();
  changed.set_name(service);
  changed.set_start_type(v1::SERVICE_START_TYPE_DISABLED);
  changed.set_running(false);
  return change;
}

v1::SimChange expired() {
  v1::SimChange change;
  change.mutable_certificate()->mutable_expires_in()->set_seconds(-3600);
  return change;
}

TEST(CertificateServiceDisabled, ADisabledServiceBesideAGoodCertificateMayBeMeant) {
  FaultBench bench(k_service_disabled, "healthy");
  bench.host.change(disabled("SessionEnv"));
  EXPECT_FALSE(bench.detect());
}

TEST(CertificateServiceDisabled, IsAbsentWhereTheCertificateIsDueAndNoServiceIsDisabled) {
  EXPECT_FALSE(FaultBench(k_service_disabled, "certificate-absent").detect());
}

TEST(CertificateServiceDisabled, PlansTheStockStartTypeOfThatServiceAndNothingElse) {
  for (const auto& [service, type] : {std::pair{"SessionEnv", "Manual"}, std::pair{"CryptSvc", "Automatic"}}) {
    FaultBench bench(k_service_disabled, "healthy");
    bench.host.change(disabled(service));
    bench.host.change(expired());
    const auto diagnosis = bench.detect();
    ASSERT_TRUE(diagnosis) << service;
    EXPECT_EQ(diagnosis->subject(), service);
    EXPECT_THAT(writes(bench.plan(*diagnosis)),
                testing::ElementsAre(std::string("set the start type of service ") + service + " to " + type));
  }
}

TEST(CertificateServiceDisabled, PlansTheStartTypeThatTheServiceHadOnThisHostWhileItWasHealthy) {
  FaultBench bench(k_service_disabled, "healthy");
  auto automatic = disabled("SessionEnv");
  automatic.mutable_services(0)->set_start_type(v1::SERVICE_START_TYPE_AUTO);
  bench.host.change(automatic);
  bench.remember_healthy();
  bench.host.change(disabled("SessionEnv"));
  bench.host.change(expired());
  EXPECT_FALSE(bench.detect()->ask_first());
  EXPECT_THAT(writes(bench.plan()), testing::ElementsAre("set the start type of service SessionEnv to Automatic"));
}

TEST(CertificateServiceDisabled, AsksFirstWhereTheServiceWasDisabledWhileTheHostWasHealthy) {
  FaultBench bench(k_service_disabled, "healthy");
  bench.host.change(disabled("SessionEnv"));
  bench.remember_healthy();
  bench.host.change(expired());
  EXPECT_TRUE(bench.detect()->ask_first());
  EXPECT_THAT(writes(bench.plan()), testing::ElementsAre("set the start type of service SessionEnv to Manual"));
}

TEST(CertificateServiceDisabled, TwoDisabledServicesAreTwoIncidentsAndTheCertificateIsMadeAfterBoth) {
  sim::SimHost host(scenario("healthy"), {});
  host.change(disabled("SessionEnv"));
  host.change(disabled("CertPropSvc"));
  host.change(expired());
  sim::MemoryJournal journal;
  RehearsedEngine engine(host, journal);
  ASSERT_TRUE(
      engine.run_until([&] { return engine.in_state("certificate_expired", v1::INCIDENT_STATE_REPAIRED); }, 1h));
  std::vector<std::string> repaired;
  for (const auto& [id, incident] : engine.engine().snapshot()->incidents) {
    EXPECT_EQ(incident->state(), v1::INCIDENT_STATE_REPAIRED) << incident->ShortDebugString();
    repaired.push_back(incident->diagnosis().subject());
  }
  EXPECT_THAT(repaired, testing::UnorderedElementsAre("SessionEnv", "CertPropSvc", "RDP-Tcp"));
  EXPECT_EQ(host.probe(sim::Vantage::outside).outcome(), v1::PROBE_OUTCOME_OK);
}

}  // namespace
}  // namespace rdpmend::test
