// What the engine knows of the checks: of its sweeps, and when it is asked.
#include <gmock/gmock.h>

#include "tests/engine/rehearsed_engine.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;

class EngineHealth : public testing::Test {
 protected:
  explicit EngineHealth(const char* story = "healthy") : host_(scenario(story), {}), engine_(host_, journal_) {}

  v1::GetHealthResponse ask(Duration max_age) {
    std::optional<Result<v1::GetHealthResponse>> answer;
    engine_.engine().health(
        max_age, [&](Result<v1::GetHealthResponse> result) { answer = std::move(result); }, [] { return true; });
    engine_.settle();
    return answer.value().value();
  }

  sim::SimHost host_;
  sim::MemoryJournal journal_;
  RehearsedEngine engine_;
};

class EngineHealthOfABrokenHost : public EngineHealth {
 protected:
  EngineHealthOfABrokenHost() : EngineHealth("certificate-expired") {}
};

TEST_F(EngineHealth, IsKnownAfterTheFirstSweepAndNewWithEachOther) {
  engine_.settle();
  const auto first = engine_.engine().snapshot()->health;
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->answer(), v1::Check::ANSWER_HEALTHY) << first->DebugString();
  engine_.run_for(20min);
  const auto second = engine_.engine().snapshot()->health;
  EXPECT_GT(from_proto(second->looked_at()), from_proto(first->looked_at()));
}

TEST_F(EngineHealth, IsTheSweepsWhileThatIsNotTooOld) {
  engine_.run_for(1min);
  const auto swept = engine_.engine().snapshot()->health;
  EXPECT_EQ(ask(5min).looked_at().seconds(), swept->looked_at().seconds());
  const auto looked = ask(30s);
  EXPECT_GT(from_proto(looked.looked_at()), from_proto(swept->looked_at()));
  EXPECT_EQ(ask(30s).looked_at().seconds(), looked.looked_at().seconds()) << "what was looked up is kept, too";
}

TEST_F(EngineHealth, WritesNothingToTheJournal) {
  engine_.run_for(1min);
  const auto before = journal_.range().last_seq;
  ask(0s);
  EXPECT_EQ(journal_.range().last_seq, before);
}

TEST_F(EngineHealthOfABrokenHost, IsHealthyAgainWhenTheHostIsRepaired) {
  ASSERT_TRUE(engine_.run_until([&] { return engine_.incident("certificate_expired") != nullptr; }, 1h));
  const auto broken = *engine_.engine().snapshot()->health;
  EXPECT_EQ(broken.answer(), v1::Check::ANSWER_FAULTY);
  ASSERT_TRUE(
      engine_.run_until([&] { return engine_.in_state("certificate_expired", v1::INCIDENT_STATE_REPAIRED); }, 1h));
  const auto healed = ask(0s);
  EXPECT_EQ(healed.answer(), v1::Check::ANSWER_HEALTHY) << healed.DebugString();
  EXPECT_EQ(healed.open_incidents(), 0U);
}

}  // namespace
}  // namespace rdpmend::test
