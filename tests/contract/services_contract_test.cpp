#include "tests/contract/stage.hpp"

namespace rdpmend::contract {
namespace {

using namespace std::chrono_literals;
using testing::Contains;

constexpr Duration k_for_a_service = 20s;
constexpr std::string_view k_absent_service = "RdpmendNoSuchService";

TEST_P(Contract, AServiceThatDoesNotExistIsNotFound) {
  const auto found = host.services.find(k_absent_service);
  ASSERT_TRUE(found) << to_string(found.error());
  EXPECT_FALSE(*found);
  EXPECT_EQ(host.services.start(k_absent_service, k_for_a_service).error().code, ErrorCode::not_found);
  EXPECT_EQ(host.services.stop(k_absent_service, k_for_a_service).error().code, ErrorCode::not_found);
  EXPECT_EQ(host.services.set_start_type(k_absent_service, v1::SERVICE_START_TYPE_MANUAL).error().code,
            ErrorCode::not_found);
}

TEST_P(Contract, AServiceStartsAndStops) {
  const auto pair = stage->services();
  RDPMEND_REQUIRE(pair);
  RDPMEND_REQUIRE(host.services.stop(pair->dependent, k_for_a_service));
  EXPECT_EQ(host.services.find(pair->dependent).value()->run, ServiceRun::stopped);
  EXPECT_EQ(host.services.find(pair->dependent).value()->pid, 0U);
  EXPECT_TRUE(host.services.stop(pair->dependent, k_for_a_service)) << "it is stopped already";

  const auto started = host.services.start(pair->dependent, k_for_a_service);
  ASSERT_TRUE(started) << to_string(started.error());
  const auto info = host.services.find(pair->dependent).value().value();
  EXPECT_EQ(info.run, ServiceRun::running);
  EXPECT_EQ(info.start_type, v1::SERVICE_START_TYPE_MANUAL);
  EXPECT_NE(info.pid, 0U);
  EXPECT_LT(info.running_for.value_or(Duration::zero()), 1min);
  EXPECT_TRUE(host.services.start(pair->dependent, k_for_a_service)) << "it is running already";
}

TEST_P(Contract, HowLongAServiceRunsCountsFromItsStart) {
  const auto pair = stage->services();
  RDPMEND_REQUIRE(pair);
  const auto running_for = [&] { return host.services.find(pair->dependent).value()->running_for; };
  RDPMEND_REQUIRE(host.services.start(pair->dependent, k_for_a_service));
  const auto first = running_for();
  ASSERT_TRUE(first);
  EXPECT_GE(running_for(), first);
  RDPMEND_REQUIRE(host.services.stop(pair->dependent, k_for_a_service));
  EXPECT_FALSE(running_for());
  RDPMEND_REQUIRE(host.services.start(pair->dependent, k_for_a_service));
  ASSERT_TRUE(running_for()) << "known whoever else is in its process";
  EXPECT_LT(*running_for(), 1min);
}

TEST_P(Contract, ADisabledServiceDoesNotStart) {
  const auto pair = stage->services();
  RDPMEND_REQUIRE(pair);
  RDPMEND_REQUIRE(host.services.stop(pair->dependent, k_for_a_service));
  RDPMEND_REQUIRE(host.services.set_start_type(pair->dependent, v1::SERVICE_START_TYPE_DISABLED));
  EXPECT_EQ(host.services.find(pair->dependent).value()->start_type, v1::SERVICE_START_TYPE_DISABLED);
  EXPECT_EQ(host.services.start(pair->dependent, k_for_a_service).error().code, ErrorCode::conflict);
  RDPMEND_REQUIRE(host.services.set_start_type(pair->dependent, v1::SERVICE_START_TYPE_MANUAL));
  EXPECT_TRUE(host.services.start(pair->dependent, k_for_a_service));
}

TEST_P(Contract, AServiceDoesNotStopWhileOthersThatNeedItRun) {
  const auto pair = stage->services();
  RDPMEND_REQUIRE(pair);
  RDPMEND_REQUIRE(host.services.start(pair->dependent, k_for_a_service));
  RDPMEND_REQUIRE(stage->dependents_are_listed());
  const auto info = host.services.find(pair->base).value().value();
  EXPECT_EQ(info.run, ServiceRun::running) << "started with what needs it";
  EXPECT_THAT(info.running_dependents, Contains(pair->dependent));
  EXPECT_EQ(host.services.stop(pair->base, k_for_a_service).error().code, ErrorCode::conflict);
  EXPECT_EQ(host.services.find(pair->base).value()->run, ServiceRun::running);
  RDPMEND_REQUIRE(host.services.stop(pair->dependent, k_for_a_service));
  EXPECT_THAT(host.services.find(pair->base).value()->running_dependents, testing::IsEmpty());
  EXPECT_TRUE(host.services.stop(pair->base, k_for_a_service));
}

}  // namespace
}  // namespace rdpmend::contract
