// Who attacks is told of, and cannot fill the journal.
#include "service/rpc/limit_notes.hpp"

#include <gmock/gmock.h>

#include "service/rpc/rate_limit.hpp"

namespace rdpmend {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::SizeIs;

class Notes : public testing::Test {
 protected:
  std::vector<std::string> written_;
  LimitNotes notes_{[this](const v1::ConnectionLimited& entry) {
    written_.push_back(entry.client() + " " + entry.peer() + " " + entry.reason() + " " +
                       std::to_string(entry.count()));
  }};
  LimitNotes::Time now_{};
};

TEST_F(Notes, TheFirstIsToldAtOnceAndThoseAfterItOnceAMinuteWithTheirCount) {
  for (int i = 0; i < 5; ++i) notes_.note("viewer", "192.0.2.1", "resets", now_ + 10s * i);
  EXPECT_THAT(written_, ElementsAre("viewer 192.0.2.1 resets 1"));
  EXPECT_TRUE(notes_.flush(now_ + 59s));
  EXPECT_THAT(written_, SizeIs(1));
  EXPECT_TRUE(notes_.flush(now_ + 60s));
  EXPECT_THAT(written_, ElementsAre("viewer 192.0.2.1 resets 1", "viewer 192.0.2.1 resets 4"));
  EXPECT_FALSE(notes_.flush(now_ + 120s)) << "nothing is left to tell";
  notes_.note("viewer", "192.0.2.1", "resets", now_ + 121s);
  EXPECT_THAT(written_, SizeIs(3));
}

TEST_F(Notes, TooManyAddressesAreToldOfTogether) {
  for (int i = 0; i < 1000; ++i) notes_.note("", "192.0.2." + std::to_string(i), "too often", now_);
  EXPECT_THAT(written_, SizeIs(65));
  EXPECT_EQ(written_.back(), "  too often 1");
  notes_.flush(now_ + 60s);
  EXPECT_THAT(written_, SizeIs(66));
  EXPECT_EQ(written_.back(), "  too often 935");
}

TEST_F(Notes, NothingIsLostAtTheEnd) {
  notes_.note("", "192.0.2.1", "silent", now_);
  notes_.note("", "192.0.2.1", "silent", now_);
  notes_.finish();
  EXPECT_THAT(written_, ElementsAre(" 192.0.2.1 silent 1", " 192.0.2.1 silent 1"));
}

TEST(RateLimit, AllowsSoMuchAtOnceAndSoMuchASecond) {
  RateLimit limit({10, 5});
  const RateLimit::Time begin{1h};
  EXPECT_EQ(limit.take(10, begin), 0s);
  EXPECT_FALSE(limit.rested(begin + 1s));
  EXPECT_EQ(limit.take(5, begin + 1s), 0s);
  EXPECT_EQ(limit.take(10, begin + 1s), 2s);
  EXPECT_TRUE(limit.rested(begin + 10s));
}

}  // namespace
}  // namespace rdpmend
