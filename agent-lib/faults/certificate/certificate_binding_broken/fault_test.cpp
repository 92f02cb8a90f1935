#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/faults/fault_bench.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string k_binding_broken = "certificate_binding_broken";

void bind_listener(FaultBench& bench, const std::string& bytes) {
  bench.set_registry_binary(registry_key::k_rdp_tcp, "SSLCertificateSHA1Hash", bytes);
}

TEST(CertificateBindingBroken, IsAbsentWhereNothingIsBound) {
  EXPECT_FALSE(FaultBench(k_binding_broken, "healthy").detect());
  EXPECT_FALSE(FaultBench(k_binding_broken, "certificate-absent").detect());
}

TEST(CertificateBindingBroken, ABindingThatIsNoThumbprintOrLeadsNowhereIsAProposalToTakeItBack) {
  for (const auto& bytes : {std::string(20, '\x5A'), std::string(7, '\x5A')}) {
    FaultBench bench(k_binding_broken, "healthy");
    bind_listener(bench, bytes);
    const auto diagnosis = bench.detect();
    ASSERT_TRUE(diagnosis) << bytes.size();
    EXPECT_TRUE(diagnosis->repairable());
    EXPECT_TRUE(diagnosis->ask_first());
    EXPECT_THAT(writes(bench.plan(*diagnosis)).at(0), HasSubstr("SSLCertificateSHA1Hash"));
  }
}

TEST(CertificateBindingBroken, AHostOfABrokersDeploymentIsReported) {
  FaultBench bench(k_binding_broken, "healthy");
  bind_listener(bench, std::string(20, '\x5A'));
  bench.set_registry(R"(SYSTEM\CurrentControlSet\Control\Terminal Server\ClusterSettings)", "SessionDirectoryLocation",
                     "broker.example.net");
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_FALSE(diagnosis->repairable());
  EXPECT_THAT(diagnosis->advice(), HasSubstr("Connection Broker"));
}

TEST(CertificateBindingBroken, IsHealedOnceApprovedAndWindowsOwnCertificateIsServed) {
  sim::SimHost host(scenario("binding-broken"), {});
  sim::MemoryJournal journal;
  RehearsedEngine engine(host, journal);
  ASSERT_TRUE(
      engine.run_until([&] { return engine.in_state(k_binding_broken, v1::INCIDENT_STATE_AWAITING_APPROVAL); }, 30min));
  EXPECT_TRUE(host.injector().calls().empty()) << "nothing is written unasked";
  EXPECT_EQ(engine.incident("certificate_expired"), nullptr) << "the binding is the real incident";
  engine.approve_what_waits();
  EXPECT_TRUE(engine.run_until([&] { return engine.in_state(k_binding_broken, v1::INCIDENT_STATE_REPAIRED); }, 30min));
  EXPECT_TRUE(host.client_connects());
}

}  // namespace
}  // namespace rdpmend::test
