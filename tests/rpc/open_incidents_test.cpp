#include "service/rpc/open_incidents.hpp"

#include <gtest/gtest.h>

#include "service/rpc/requests.hpp"

namespace rdpmend {
namespace {

using Incidents = std::map<std::uint64_t, std::shared_ptr<const v1::Incident>>;

Incidents incidents(std::uint64_t count, std::size_t summary_bytes) {
  Incidents all;
  for (std::uint64_t id = 1; id <= count; ++id) {
    auto incident = std::make_shared<v1::Incident>();
    incident->set_id(id);
    incident->set_state(v1::INCIDENT_STATE_OPEN);
    incident->mutable_diagnosis()->set_summary(std::string(summary_bytes, 'x'));
    incident->mutable_repair()->add_steps();
    all[id] = std::move(incident);
  }
  return all;
}

TEST(DescribeOpen, ListsTheNewestOldestFirstAndCountsAll) {
  v1::GetStatusResponse response;
  describe_open(incidents(1000, 10), response);
  EXPECT_EQ(response.open_incidents(), 1000U);
  ASSERT_EQ(response.incidents_size(), k_max_status_incidents);
  EXPECT_EQ(response.incidents(0).id(), 951U);
  EXPECT_EQ(response.incidents().rbegin()->id(), 1000U);
  EXPECT_EQ(response.incidents(0).repair().steps_size(), 0);
}

TEST(DescribeOpen, StaysWithinAMessageThatClientsTake) {
  v1::GetStatusResponse response;
  describe_open(incidents(40, 500'000), response);
  EXPECT_EQ(response.open_incidents(), 40U);
  EXPECT_GE(response.incidents_size(), 1);
  EXPECT_LE(response.ByteSizeLong(), k_max_page_bytes + 1000);
}

TEST(DescribeOpen, ListsOneWhateverItsSizeAndNoClosedOnes) {
  auto all = incidents(1, 3 << 20);
  auto closed = std::make_shared<v1::Incident>();
  closed->set_id(2);
  closed->set_state(v1::INCIDENT_STATE_REPAIRED);
  all[2] = std::move(closed);
  v1::GetStatusResponse response;
  describe_open(all, response);
  EXPECT_EQ(response.open_incidents(), 1U);
  EXPECT_EQ(response.incidents_size(), 1);
}

}  // namespace
}  // namespace rdpmend
