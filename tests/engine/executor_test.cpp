// The executor: how a step that fails is told, and what of it has to be undone.
#include "agent-lib/engine/executor.hpp"

#include <gmock/gmock.h>

#include "agent-lib/sim/memory_journal.hpp"
#include "agent-lib/sim/scenarios.hpp"
#include "agent-lib/sim/sim_host.hpp"

namespace rdpmend {
namespace {

using testing::IsEmpty;

// The services of another host, which cannot be read when a test says so.
class UnreadableServices final : public Services {
 public:
  explicit UnreadableServices(Services& services) : services_(services) {}

  Result<std::optional<ServiceInfo>> find(std::string_view name) const override {
    if (reads_left_ == 0) return fail(ErrorCode::denied, "access is denied");
    if (reads_left_ > 0) --reads_left_;
    return services_.find(name);
  }
  Status start(std::string_view name, Duration deadline) override { return services_.start(name, deadline); }
  Status stop(std::string_view name, Duration deadline) override { return services_.stop(name, deadline); }
  Status set_start_type(std::string_view name, v1::ServiceStartType type) override {
    return services_.set_start_type(name, type);
  }

  void unreadable_after(int reads) { reads_left_ = reads; }
  void readable_again() { reads_left_ = -1; }

 private:
  Services& services_;
  mutable int reads_left_ = -1;  // Below 0: no end.
};

class ExecutorTest : public testing::Test {
 protected:
  ExecutorTest() {
    auto& step = *rung_.add_steps();
    step.set_number(1);
    step.set_description("set the start type of service UmRdpService");
    step.mutable_set_service_start_type()->set_service("UmRdpService");
    step.mutable_set_service_start_type()->set_start_type(v1::SERVICE_START_TYPE_DISABLED);
    v1::Diagnosis diagnosis;
    diagnosis.set_fault_id("service_stopped");
    incident_ = ledger_.open_incident(diagnosis, {}).value();
    EXPECT_TRUE(ledger_.record(
        incident_, [&](v1::JournalEntry& entry) { *entry.mutable_plan_made()->mutable_plan()->add_rungs() = rung_; }));
  }

  v1::StepFailed failure_of_the_step(const std::vector<v1::StepState>& before) {
    EXPECT_FALSE(executor_.climb(incident_, rung_, before, {}));
    return journal_.read(journal_.range().last_seq - 1, 1).value().front().step_failed();
  }
  v1::ServiceStartType start_type() { return sim_.control().services.find("UmRdpService").value()->start_type; }

  sim::SimHost sim_{sim::find_scenario("healthy").value(), {}};
  UnreadableServices services_{sim_.control().services};
  const HostControl real_ = sim_.control();
  const HostControl host_{real_.identity,  real_.clock, real_.events,   real_.registry, real_.certificates,
                          real_.key_files, services_,   real_.firewall, real_.sessions, real_.listener};
  sim::MemoryJournal journal_;
  Ledger ledger_{journal_, host_.clock};
  const Executor executor_{host_, ledger_};
  v1::Rung rung_;
  std::uint64_t incident_ = 0;
};

TEST_F(ExecutorTest, WhatCannotBeReadBeforeTheWriteIsNoConflictAndLeavesNothingToUndo) {
  const auto before = capture(host_.view(), rung_).value();
  const auto was = start_type();
  services_.unreadable_after(0);
  const auto failed = failure_of_the_step(before);
  EXPECT_EQ(failed.cause(), v1::StepFailed::CAUSE_UNREADABLE);
  EXPECT_EQ(failed.description(), "set the start type of service UmRdpService");
  EXPECT_EQ(start_type(), was);
  EXPECT_THAT(executor_.undo(*ledger_.incident(incident_)), IsEmpty()) << "blocked, although nothing was written";
}

TEST_F(ExecutorTest, AChangeBySomebodyElseIsAConflict) {
  const auto before = capture(host_.view(), rung_).value();
  ASSERT_TRUE(real_.services.set_start_type("UmRdpService", v1::SERVICE_START_TYPE_AUTO));
  EXPECT_EQ(failure_of_the_step(before).cause(), v1::StepFailed::CAUSE_CONFLICT);
  EXPECT_EQ(start_type(), v1::SERVICE_START_TYPE_AUTO) << "theirs is left alone";
}

TEST_F(ExecutorTest, WhatCannotBeReadBackAfterTheWriteIsUndone) {
  const auto before = capture(host_.view(), rung_).value();
  const auto was = start_type();
  services_.unreadable_after(1);
  EXPECT_EQ(failure_of_the_step(before).cause(), v1::StepFailed::CAUSE_WRITE);
  EXPECT_EQ(start_type(), v1::SERVICE_START_TYPE_DISABLED);
  services_.readable_again();
  EXPECT_THAT(executor_.undo(*ledger_.incident(incident_)), IsEmpty());
  EXPECT_EQ(start_type(), was);
}

TEST_F(ExecutorTest, EveryEntryOfAStepSaysWhatTheStepIs) {
  ASSERT_TRUE(executor_.climb(incident_, rung_, capture(host_.view(), rung_).value(), {}));
  EXPECT_EQ(journal_.read(journal_.range().last_seq - 1, 1).value().front().step_done().description(),
            "set the start type of service UmRdpService");
  ASSERT_THAT(executor_.undo(*ledger_.incident(incident_)), IsEmpty());
  EXPECT_EQ(journal_.read(journal_.range().last_seq - 1, 1).value().front().step_undone().description(),
            "set the start type of service UmRdpService");
}

}  // namespace
}  // namespace rdpmend
