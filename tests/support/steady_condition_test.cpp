// What every wait with a deadline stands on. Nobody sets the clock here: that the wait is a span and no date is what
// the operating system promises (steady_condition_*.cpp).
#include "agent-lib/support/steady_condition.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace rdpmend {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto k_patience = 60s;  // Of a busy machine; nothing waits this long when all is well.

struct Waiting {
  std::mutex mutex;
  SteadyCondition changed;
  bool ready = false;

  void set_ready() {
    {
      const std::scoped_lock lock(mutex);
      ready = true;
    }
    changed.notify_all();
  }
};

TEST(SteadyCondition, does_not_wait_for_what_is_so_already) {
  Waiting waiting;
  std::unique_lock lock(waiting.mutex);
  EXPECT_TRUE(waiting.changed.wait_for(lock, -1s, [] { return true; }));
  waiting.changed.wait(lock, [] { return true; });
  EXPECT_TRUE(lock.owns_lock());
}

TEST(SteadyCondition, gives_up_when_the_time_is_over_and_not_before) {
  Waiting waiting;
  std::unique_lock lock(waiting.mutex);
  const auto began = Clock::now();
  EXPECT_FALSE(waiting.changed.wait_for(lock, 30ms, [&] { return waiting.ready; }));
  EXPECT_GE(Clock::now() - began, 30ms);
  EXPECT_TRUE(lock.owns_lock());
}

TEST(SteadyCondition, does_not_wait_beyond_a_time_that_is_over_already) {
  Waiting waiting;
  std::unique_lock lock(waiting.mutex);
  EXPECT_FALSE(waiting.changed.wait_for(lock, -1s, [] { return false; }));
}

TEST(SteadyCondition, a_notification_about_something_else_does_not_end_the_wait) {
  Waiting waiting;
  std::jthread noise([&](const std::stop_token& over) {
    while (!over.stop_requested()) waiting.changed.notify_all();
  });
  std::unique_lock lock(waiting.mutex);
  const auto began = Clock::now();
  EXPECT_FALSE(waiting.changed.wait_for(lock, 30ms, [] { return false; }));
  EXPECT_GE(Clock::now() - began, 30ms);
}

TEST(SteadyCondition, ends_when_it_is_told) {
  Waiting waiting;
  std::unique_lock lock(waiting.mutex);
  const std::jthread other([&] { waiting.set_ready(); });
  EXPECT_TRUE(waiting.changed.wait_for(lock, k_patience, [&] { return waiting.ready; }));
}

TEST(SteadyCondition, wakes_everybody) {
  Waiting waiting;
  std::vector<std::jthread> others;
  std::atomic<int> woken = 0;
  for (int i = 0; i < 4; ++i) {
    others.emplace_back([&] {
      std::unique_lock lock(waiting.mutex);
      waiting.changed.wait(lock, [&] { return waiting.ready; });
      ++woken;
    });
  }
  waiting.set_ready();
  others.clear();
  EXPECT_EQ(woken, 4);
}

TEST(SteadyCondition, ends_with_a_request_to_stop_and_says_that_it_is_not_done) {
  Waiting waiting;
  std::stop_source stop;
  std::unique_lock lock(waiting.mutex);
  const std::jthread other([&] { stop.request_stop(); });
  EXPECT_FALSE(waiting.changed.wait_for(lock, stop.get_token(), k_patience, [] { return false; }));
  EXPECT_TRUE(stop.stop_requested());
  // And once it was made.
  EXPECT_FALSE(waiting.changed.wait_for(lock, stop.get_token(), k_patience, [] { return false; }));
  EXPECT_TRUE(waiting.changed.wait_for(lock, stop.get_token(), k_patience, [] { return true; }));
}

// A stop comes without the mutex, at any moment of a wait. One that is lost would make it last for k_patience.
TEST(SteadyCondition, loses_no_request_to_stop_between_the_look_and_the_sleep) {
  const auto began = Clock::now();
  for (int i = 0; i < 2000; ++i) {
    Waiting waiting;
    std::stop_source stop;
    std::jthread other([&] { stop.request_stop(); });
    std::unique_lock lock(waiting.mutex);
    EXPECT_FALSE(waiting.changed.wait_for(lock, stop.get_token(), k_patience, [] { return false; }));
  }
  EXPECT_LT(Clock::now() - began, k_patience);
}

}  // namespace
}  // namespace rdpmend
