#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent-lib/steps/step_kind.hpp"
#include "agent-lib/support/hex.hpp"
#include "tests/engine/rehearsed_engine.hpp"

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

struct Bench {
  explicit Bench(std::uint32_t build) : host(healthy(build), {}) {}

  const Fault& fault() const {
    for (const auto& each : faults) {
      if (each->id() == k_fault) return *each;
    }
    throw std::logic_error("no such fault");
  }
  std::optional<v1::Diagnosis> detect() { return only(fault().detect(host.control().view(), {}).value()); }
  std::string thumbprint() {
    return to_hex(
        *read_binary(host.control().view().registry, registry_key::k_win_stations, "SelfSignedCertificate").value());
  }

  sim::SimHost host;
  std::vector<std::unique_ptr<Fault>> faults = make_faults();
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

TEST(CertificateKeyUnreadable, PlansTheMissingEntriesOfTheBuildAndNothingElseFirst) {
  for (const auto build : k_builds) {
    Bench bench(build);
    bench.host.change(without_reader("S-1-5-20"));
    const auto diagnosis = bench.detect();
    ASSERT_TRUE(diagnosis);
    auto plan = bench.fault().plan(bench.host.control().view(), *diagnosis).value();
    ASSERT_TRUE(finish_plan(plan));
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
