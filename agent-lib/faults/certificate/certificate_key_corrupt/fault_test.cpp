#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/faults/fault_bench.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string k_key_corrupt = "certificate_key_corrupt";

v1::SimChange damaged() {
  v1::SimChange change;
  change.mutable_certificate()->set_key_damaged(true);
  return change;
}

TEST(CertificateKeyCorrupt, IsAbsentOnAHealthyHostAndWhereTheKeyIsGone) {
  EXPECT_FALSE(FaultBench(k_key_corrupt, "healthy").detect());
  EXPECT_FALSE(FaultBench(k_key_corrupt, "certificate-key-missing").detect()) << "there is nothing to move";
}

TEST(CertificateKeyCorrupt, AKeyThatMerelyCannotBeReadIsNotDamaged) {
  FaultBench bench(k_key_corrupt, "healthy");
  v1::SimChange change;
  change.mutable_certificate()->add_key_readers_removed("S-1-5-18");
  bench.host.change(change);
  EXPECT_FALSE(bench.detect());
}

TEST(CertificateKeyCorrupt, PlansToMoveTheOneFileAsideAndNothingElse) {
  FaultBench bench(k_key_corrupt, "healthy");
  bench.host.change(damaged());
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_TRUE(diagnosis->repairable());
  const auto lines = writes(bench.plan(*diagnosis));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr("f686aace6942fb7f7ceb231212eef4a4"));
  EXPECT_THAT(lines[0], HasSubstr("aside"));
}

TEST(CertificateKeyCorrupt, IsHealedWithAllOtherKeysAsTheyWere) {
  sim::SimHost host(scenario("key-damaged"), {});
  sim::MemoryJournal journal;
  RehearsedEngine engine(host, journal);
  ASSERT_TRUE(
      engine.run_until([&] { return engine.in_state("certificate_expired", v1::INCIDENT_STATE_REPAIRED); }, 30min));
  EXPECT_TRUE(engine.in_state(k_key_corrupt, v1::INCIDENT_STATE_REPAIRED));
  EXPECT_EQ(host.probe(sim::Vantage::outside).outcome(), v1::PROBE_OUTCOME_OK);
  for (const auto& call : host.injector().calls())
    EXPECT_THAT(call, testing::Not(HasSubstr("6de9cb26"))) << "another key was touched";
}

}  // namespace
}  // namespace rdpmend::test
