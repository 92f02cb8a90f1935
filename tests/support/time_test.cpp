// Time between chrono, protobuf and text.
#include "agent-lib/support/time.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace rdpmend {
namespace {

using namespace std::chrono_literals;

TEST(Time, SurvivesTheWayThroughAMessage) {
  const WallTime time{1'772'366'400s + 123'456'700ns};
  EXPECT_EQ(from_proto(to_proto(time)), time);
  EXPECT_EQ(from_proto(to_proto(WallTime{-1ns})), WallTime{-1ns});
  EXPECT_EQ(from_proto(to_proto_duration(-1500ms)), -1500ms);
}

TEST(Time, TooFarAwayBecomesTheFarthestThatFits) {
  google::protobuf::Timestamp never;
  never.set_seconds(253'402'300'799);  // 9999-12-31
  EXPECT_EQ(from_proto(never), WallTime::max());
  never.set_seconds(-62'135'596'800);  // 0001-01-01
  EXPECT_EQ(from_proto(never), WallTime::min());
  never.set_seconds(std::numeric_limits<std::int64_t>::max());
  never.set_nanos(std::numeric_limits<std::int32_t>::max());
  EXPECT_EQ(from_proto(never), WallTime::max());
  google::protobuf::Duration longest;
  longest.set_seconds(315'576'000'000);  // The most that a Duration may hold.
  EXPECT_EQ(from_proto(longest), Duration::max());
}

TEST(Time, ReadsWhatEventsHold) {
  EXPECT_EQ(to_iso8601(parse_iso8601("2020-08-01T18:48:57.4580708Z").value()), "2020-08-01T18:48:57.458Z");
  EXPECT_EQ(parse_iso8601("2020-08-01T20:48:57+02:00"), parse_iso8601("2020-08-01T18:48:57Z"));
  for (const auto* wrong : {"", "2020-08-01", "2020-13-01T00:00:00Z", "2020-08-01T00:00:00", "1601-01-01T00:00:00Z"})
    EXPECT_FALSE(parse_iso8601(wrong)) << wrong;
}

TEST(Time, IsToldInAtMostTwoUnits) {
  EXPECT_EQ(to_human(76h + 5min), "3 d 4 h");
  EXPECT_EQ(to_human(-90s), "-1 min 30 s");
  EXPECT_EQ(to_human(800ms + 5us), "800 ms");
}

}  // namespace
}  // namespace rdpmend
