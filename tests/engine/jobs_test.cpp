#include "agent-lib/engine/jobs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

namespace rdpmend {
namespace {

using testing::HasSubstr;

class JobsTest : public testing::Test {
 protected:
  asio::io_context engine, worker;
  Jobs jobs{engine.get_executor(), worker.get_executor()};

  void run() {
    for (bool any = true; any;) {
      worker.restart();
      engine.restart();
      any = worker.poll() + engine.poll() > 0;
    }
  }
};

TEST_F(JobsTest, AJobRunsOnTheWorkerAndItsResultComesBackToTheEngine) {
  int result = 0;
  bool on_worker = false;
  jobs.run<int>(
      "count",
      [&]() -> Result<int> {
        on_worker = worker.get_executor().running_in_this_thread();
        return 7;
      },
      [&](const Result<int>& answer) {
        EXPECT_TRUE(engine.get_executor().running_in_this_thread());
        result = answer.value();
      });
  EXPECT_EQ(result, 0);
  run();
  EXPECT_TRUE(on_worker);
  EXPECT_EQ(result, 7);
}

TEST_F(JobsTest, WhatAJobThrowsIsItsError) {
  std::optional<Error> error;
  jobs.run<int>(
      "count", []() -> Result<int> { throw std::runtime_error("out of fingers"); },
      [&](const Result<int>& answer) { error = answer.error(); });
  run();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::internal);
  EXPECT_THAT(error->what, HasSubstr("cannot count: out of fingers"));
}

TEST_F(JobsTest, ItIsIdleOnceTheLastJobAndWhatFollowedIt) {
  bool idle = false;
  int answers = 0;
  const auto nothing = []() -> Status { return {}; };
  jobs.run<void>("do nothing", nothing, [&](const Status&) {
    EXPECT_FALSE(idle);
    ++answers;
    jobs.run<void>("do nothing again", nothing, [&](const Status&) { ++answers; });
  });
  jobs.when_idle([&] { idle = true; });
  EXPECT_FALSE(idle);
  run();
  EXPECT_TRUE(idle);
  EXPECT_EQ(answers, 2);
  idle = false;
  jobs.when_idle([&] { idle = true; });
  EXPECT_TRUE(idle) << "it is idle already";
}

}  // namespace
}  // namespace rdpmend
