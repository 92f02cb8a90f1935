#include "agent-lib/engine/agenda.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace rdpmend {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

struct HandClock final : Clock {
  WallTime now() const override { return {}; }
  SteadyTime steady() const override { return time; }
  Result<std::optional<TimeReference>> reference() const override { return std::nullopt; }
  bool wait_for(Duration, std::stop_token) const override { return false; }
  SteadyTime time{};
};

class AgendaTest : public testing::Test {
 protected:
  AgendaTest() {
    agenda.set_on_change([this] { told.push_back(agenda.next()); });
  }
  std::function<void()> doing(const std::string& what) {
    return [this, what] { done.push_back(what); };
  }
  SteadyTime in(Duration time) const { return SteadyTime(time); }
  void at(Duration time) {
    clock.time = SteadyTime(time);
    agenda.run_due();
  }

  HandClock clock;
  Agenda agenda{clock};
  std::vector<std::string> done;
  std::vector<std::optional<SteadyTime>> told;
};

TEST_F(AgendaTest, WhatIsDueIsDoneOnceAndTheLongestDueFirst) {
  agenda.at("a", in(2s), doing("a"));
  agenda.at("b", in(1s), doing("b"));
  agenda.at("c", in(3s), doing("c"));
  at(2s);
  EXPECT_THAT(done, ElementsAre("b", "a"));
  at(2s);
  EXPECT_THAT(done, ElementsAre("b", "a"));
}

TEST_F(AgendaTest, TheOwnerOfTheTimerIsToldOfEachChangeOfTheNextTime) {
  agenda.at("a", in(2s), doing("a"));
  agenda.at("later", in(5s), doing("later"));
  agenda.at("a", in(1s), doing("a"));
  agenda.cancel("a");
  EXPECT_THAT(told, ElementsAre(in(2s), in(1s), in(5s)));
  at(5s);
  EXPECT_EQ(told.back(), std::nullopt);
}

TEST_F(AgendaTest, ANameHasOneTimeAndTheSoonerOneStaysWhereThatIsAsked) {
  agenda.at("a", in(1s), doing("first"));
  agenda.not_later_than("a", in(2s), doing("second"));
  EXPECT_EQ(agenda.due("a"), in(1s));
  agenda.at("a", in(3s), doing("third"));
  EXPECT_EQ(agenda.due("a"), in(3s));
  at(3s);
  EXPECT_THAT(done, ElementsAre("third"));
}

TEST_F(AgendaTest, ATaskMayCallOffOrPutOffWhatIsDueWithIt) {
  agenda.at("a", in(1s), [this] {
    done.push_back("a");
    agenda.cancel("b");
    agenda.at("c", in(9s), doing("c"));
    agenda.at("a", in(1s), doing("a again"));
  });
  agenda.at("b", in(2s), doing("b"));
  agenda.at("c", in(2s), doing("c"));
  at(2s);
  EXPECT_THAT(done, ElementsAre("a"));
  at(2s);
  EXPECT_THAT(done, ElementsAre("a", "a again"));
  EXPECT_EQ(agenda.next(), in(9s));
}

TEST_F(AgendaTest, ClosedItHasNothingAndTakesNothingOn) {
  agenda.at("a", in(1s), doing("a"));
  agenda.close();
  agenda.at("b", in(1s), doing("b"));
  EXPECT_EQ(agenda.next(), std::nullopt);
  at(2s);
  EXPECT_THAT(done, IsEmpty());
}

}  // namespace
}  // namespace rdpmend
