#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent-lib/support/hex.hpp"
#include "tests/faults/fault_bench.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::uint32_t k_builds[] = {14393, 20348};
const std::string k_fault = "certificate_key_unreadable";

v1::SimChange without_reader(const std::string& sid) {
  v1::SimChange change;
  change.mutable_certificate()->add_key_readers_removed(sid);
  return change;
}

v1::Scenario healthy(std::uint32_t build) {
  auto healthy = scenario("healthy");
  healthy.set_build(build);
  return healthy;
}

struct Bench : FaultBench {
  explicit Bench(std::uint32_t build) : FaultBench(k_fault, healthy(build)) {}
};

TEST(CertificateKeyUnreadable, IsAbsentOnHealthyHostsOfEveryBuild) {
  for (const auto build : k_builds) EXPECT_FALSE(Bench(build).detect()) << build;
}

TEST(CertificateKeyUnreadable, AMissingEntryOfAnotherAccountIsNoFault) {
  for (const auto build : k_builds) {
    for (const auto who : {sid::k_system, sid::k_session_env, sid::k_administrators}) {
      Bench bench(build);
      bench.host.change(without_reader(std::string(who)));
      EXPECT_FALSE(bench.detect()) << build << " " << who;
    }
  }
}

TEST(CertificateKeyUnreadable, SystemsMissingEntryIsAFaultOnceACertificateIsDue) {
  for (const auto build : k_builds) {
    Bench bench(build);
    auto expired = without_reader("S-1-5-18");
    expired.mutable_certificate()->mutable_expires_in()->set_seconds(-3600);
    bench.host.change(expired);
    const auto diagnosis = bench.detect();
    ASSERT_TRUE(diagnosis) << build;
    EXPECT_THAT(diagnosis->summary(), HasSubstr("the certificate that is due"));
    EXPECT_THAT(writes(bench.plan(*diagnosis)).at(0), HasSubstr("allow S-1-5-18"));
  }
}

TEST(CertificateKeyUnreadable, PlansTheMissingEntriesOfTheBuildAndNothingElseFirst) {
  for (const auto build : k_builds) {
    Bench bench(build);
    bench.host.change(without_reader("S-1-5-20"));
    const auto diagnosis = bench.detect();
    ASSERT_TRUE(diagnosis);
    const auto plan = bench.plan(*diagnosis);
    ASSERT_EQ(plan.rungs(0).steps_size(), 1);
    EXPECT_THAT(plan.rungs(0).steps(0).description(), HasSubstr("allow S-1-5-20 Read"));
    EXPECT_FALSE(drops_sessions(plan.rungs(0)));
  }
}

TEST(CertificateKeyUnreadable, ADenyIsReportedWithTheCommandThatRemovesIt) {
  Bench bench(20348);
  v1::SimChange change;
  change.mutable_certificate()->add_key_readers_denied("S-1-5-20");
  bench.host.change(change);
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_FALSE(diagnosis->repairable());
  EXPECT_THAT(diagnosis->advice(), HasSubstr("/remove:d *S-1-5-20"));
}

TEST(CertificateKeyUnreadable, IsHealedOnBothBuildsWithTheSameCertificateAndNothingElseWritten) {
  for (const auto build : k_builds) {
    auto wanted = scenario("key-unreadable");
    wanted.set_build(build);
    sim::SimHost host(wanted, {});
    const auto thumbprint = [&] {
      return to_hex(
          *read_binary(host.control().registry, registry_key::k_win_stations, "SelfSignedCertificate").value());
    };
    const auto before = thumbprint();
    sim::MemoryJournal journal;
    RehearsedEngine engine(host, journal);
    ASSERT_TRUE(engine.run_until([&] { return engine.in_state(k_fault, v1::INCIDENT_STATE_REPAIRED); }, 5min)) << build;
    EXPECT_EQ(thumbprint(), before);
    const auto report = host.probe(sim::Vantage::outside);
    EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_OK);
    EXPECT_EQ(report.certificate().sha1(), before);
    for (const auto& call : host.injector().calls())
      EXPECT_THAT(call, HasSubstr("write_dacl(f686aace")) << "another write";
  }
}

}  // namespace
}  // namespace rdpmend::test
