#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/faults/fault_bench.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string k_store_denied = "certificate_store_denied";

TEST(CertificateStoreDenied, IsAbsentOnAHealthyHostAndWhereADenyKeepsNobodyOut) {
  FaultBench bench(k_store_denied, "healthy");
  EXPECT_FALSE(bench.detect());
  v1::SimChange change;
  change.mutable_certificate()->set_store_denied(true);
  bench.host.change(change);
  EXPECT_FALSE(bench.detect()) << "the certificate is good";
}

// A good certificate is of no use to a listener that does not know where to look for it.
TEST(CertificateStoreDenied, AMissingSettingIsAFaultOfAGoodCertificateIfClientsAreCutOff) {
  FaultBench bench(k_store_denied, "healthy");
  bench.remove_registry(registry_key::k_win_stations, "SelfSignedCertStore");
  ASSERT_FALSE(bench.host.client_connects());
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_TRUE(diagnosis->repairable());
  EXPECT_THAT(diagnosis->summary(), HasSubstr("clients are cut off"));
}

TEST(CertificateStoreDenied, PutsTheMissingSettingBackAndNothingElse) {
  FaultBench bench(k_store_denied, "certificate-store-unnamed");
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_TRUE(diagnosis->repairable());
  EXPECT_THAT(writes(bench.plan(*diagnosis)), testing::ElementsAre(HasSubstr("SelfSignedCertStore")));
}

TEST(CertificateStoreDenied, ADenyForSystemIsSaidWithItsDoubtAndNotRepaired) {
  FaultBench bench(k_store_denied, "certificate-expired");
  v1::SimChange change;
  change.mutable_certificate()->set_store_denied(true);
  bench.host.change(change);
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_FALSE(diagnosis->repairable());
  EXPECT_THAT(diagnosis->advice(), HasSubstr("Some enterprises forbid"));
}

}  // namespace
}  // namespace rdpmend::test
