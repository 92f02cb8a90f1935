#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/faults/fault_bench.hpp"

namespace rdpmend::test {
namespace {

using testing::HasSubstr;

struct Bench : FaultBench {
  Bench() : FaultBench("clock_wrong", "healthy") {}
  void set_clock(std::int64_t offset_seconds, bool no_reference = false) {
    v1::SimChange change;
    change.mutable_clock()->mutable_offset()->set_seconds(offset_seconds);
    change.mutable_clock()->set_no_reference(no_reference);
    host.change(change);
  }
};

TEST(ClockWrong, ToleratesWhatKerberosTolerates) {
  Bench bench;
  bench.set_clock(240);
  EXPECT_FALSE(bench.detect());
  bench.set_clock(-240);
  EXPECT_FALSE(bench.detect());
}

TEST(ClockWrong, SaysWhetherTheClockIsAheadOrBehind) {
  Bench bench;
  bench.set_clock(86400);
  EXPECT_THAT(bench.detect()->summary(), HasSubstr("1 d ahead"));
  bench.set_clock(-7200);
  EXPECT_THAT(bench.detect()->summary(), HasSubstr("2 h behind"));
}

TEST(ClockWrong, IsNeverRepairable) {
  Bench bench;
  bench.set_clock(86400);
  EXPECT_FALSE(bench.detect()->repairable());
  EXPECT_FALSE(bench.detect()->advice().empty());
}

TEST(ClockWrong, SeesACertificateFromTheFutureWithoutAReference) {
  Bench bench;
  bench.set_clock(-400LL * 86400, true);
  ASSERT_TRUE(bench.detect());
  EXPECT_THAT(bench.detect()->summary(), HasSubstr("behind"));
}

TEST(ClockWrong, DoesNotGuessWithoutEvidence) {
  Bench bench;
  bench.set_clock(86400, true);
  EXPECT_FALSE(bench.detect());
}

TEST(ClockWrong, QuotesTheChangeThatItWasToldOf) {
  Bench bench;
  bench.set_clock(86400);
  v1::Signal signal;
  (*signal.mutable_captures())["old_time"] = "2026-03-02T08:00:00Z";
  (*signal.mutable_captures())["new_time"] = "2026-03-03T08:00:00Z";
  EXPECT_THAT(bench.detect(signal)->DebugString(), HasSubstr("from 2026-03-02T08:00:00Z to 2026-03-03T08:00:00Z"));
}

}  // namespace
}  // namespace rdpmend::test
