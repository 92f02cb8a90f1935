// Faults that throw, hang on, come in pairs or are gone: whatever they do, the engine goes on with all the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

#include "agent-lib/engine/detection.hpp"
#include "tests/engine/rehearsed_engine.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr char k_first[] = "certificate_expired", k_second[] = "firewall_rule_disabled", k_mask[] = "clock_wrong";

v1::Diagnosis repairable(const std::string& subject = "it") {
  v1::Diagnosis diagnosis;
  diagnosis.set_subject(subject);
  diagnosis.set_summary("broken");
  diagnosis.set_repairable(true);
  return diagnosis;
}

v1::Plan one_write() {
  v1::Plan plan;
  plan.set_summary("mend it");
  auto& step = *plan.add_rungs()->add_steps();
  step.mutable_set_service_start_type()->set_service("UmRdpService");
  step.mutable_set_service_start_type()->set_start_type(v1::SERVICE_START_TYPE_AUTO);
  return plan;
}

v1::Verdict verdict(v1::Verdict::Result result, Duration again = Duration::zero()) {
  v1::Verdict verdict;
  verdict.set_result(result);
  verdict.set_summary("as the test says");
  *verdict.mutable_ask_again_in() = to_proto_duration(again);
  return verdict;
}

// A fault that does what a test says; else it is present, and repaired by one write.
struct Scripted {
  std::string id;
  std::function<std::vector<v1::Diagnosis>(const v1::Signal&)> detect = [](const auto&) {
    return std::vector{repairable()};
  };
  std::function<v1::Plan()> plan = one_write;
  std::function<v1::Verdict()> verify = [] { return verdict(v1::Verdict::RESULT_REPAIRED); };
  int looks = 0, plans = 0, verifications = 0;
  bool gone = false;  // Since a verification has said so.
};

class ScriptedFault final : public RepairableFault {
 public:
  explicit ScriptedFault(Scripted& script) : script_(script) {}
  std::string_view id() const override { return script_.id; }
  std::vector<v1::Diagnosis> detect(const Look& look) const override {
    ++script_.looks;
    return script_.gone ? std::vector<v1::Diagnosis>{}
                        : script_.detect(look.signals.empty() ? v1::Signal{} : look.signals.back());
  }
  v1::Plan plan(const Look&, const v1::Diagnosis&) const override {
    ++script_.plans;
    return script_.plan();
  }
  v1::Verdict verify(const Look&, const v1::Diagnosis&, WallTime) const override {
    ++script_.verifications;
    auto verdict = script_.verify();
    script_.gone = verdict.result() == v1::Verdict::RESULT_REPAIRED;
    return verdict;
  }

 private:
  Scripted& script_;
};

std::vector<std::unique_ptr<Fault>> faults_of(const std::vector<Scripted*>& scripts) {
  std::vector<std::unique_ptr<Fault>> faults;
  for (auto* script : scripts) faults.push_back(std::make_unique<ScriptedFault>(*script));
  return faults;
}

struct World {
  explicit World(const std::vector<Scripted*>& scripts) : World(scripts, {}) {}
  World(const std::vector<Scripted*>& scripts, std::vector<v1::JournalEntry> before) {
    if (!before.empty()) {
      EXPECT_TRUE(journal.append(before, std::nullopt));
    }
    engine.emplace(host, journal, v1::PolicyConfig{}, faults_of(scripts));
  }

  testing::AssertionResult reaches(const std::string& fault, v1::IncidentState state, Duration within) {
    if (engine->run_until([&] { return engine->in_state(fault, state); }, within)) return testing::AssertionSuccess();
    const auto incident = engine->incident(fault);
    return testing::AssertionFailure() << (incident ? incident->ShortDebugString() : "there is no incident");
  }
  // The newest journalled internal error at `where`; empty: none.
  std::string look_failed(const std::string& fault_id) const {
    std::string reason;
    for (const auto& entry : all_entries(journal)) {
      if (entry.has_look_failed() && entry.fault_id() == fault_id) reason = entry.look_failed().reason();
    }
    return reason;
  }
  std::string internal_error(const std::string& where) const {
    std::string what;
    for (const auto& entry : all_entries(journal)) {
      if (entry.has_internal_error() && entry.internal_error().where() == where) what = entry.internal_error().what();
    }
    return what;
  }

  sim::SimHost host{scenario("healthy"), {}};
  sim::MemoryJournal journal;
  std::optional<RehearsedEngine> engine;
};

[[noreturn]] void throw_it() {
  throw std::out_of_range("no such fact");
}

TEST(UnrulyFaults, OneThatThrowsIsUnknownAndTheOthersAreLookedAt) {
  Scripted first{.id = k_first}, second{.id = k_second};
  first.detect = [](const auto&) -> std::vector<v1::Diagnosis> { throw_it(); };
  World world({&first, &second});
  EXPECT_TRUE(world.reaches(k_second, v1::INCIDENT_STATE_REPAIRED, 1min));
  EXPECT_THAT(world.look_failed("certificate_expired"), HasSubstr("no such fact"));
  world.engine->run_for(40min);
  EXPECT_GT(first.looks, 2) << "the engine is deaf";
}

TEST(UnrulyFaults, APlanThatThrowsIsAnErrorOfItsIncidentAlone) {
  Scripted first{.id = k_first}, second{.id = k_second};
  first.plan = []() -> v1::Plan { throw_it(); };
  World world({&first, &second});
  EXPECT_TRUE(world.reaches(k_second, v1::INCIDENT_STATE_REPAIRED, 1min));
  EXPECT_TRUE(world.engine->in_state(k_first, v1::INCIDENT_STATE_OPEN));
  EXPECT_THAT(world.engine->incident(k_first)->reason(), HasSubstr("no such fact"));
}

TEST(UnrulyFaults, AVerificationThatThrowsIsAskedAgainAndThenTheRepairIsUndone) {
  Scripted first{.id = k_first};
  first.verify = []() -> v1::Verdict { throw_it(); };
  World world({&first});
  const auto before = world.host.fingerprint();
  EXPECT_TRUE(world.reaches(k_first, v1::INCIDENT_STATE_ROLLED_BACK, 3min));
  EXPECT_GT(first.verifications, 2);
  EXPECT_EQ(world.host.fingerprint(), before);
  EXPECT_THAT(world.engine->incident(k_first)->repair().verdict().summary(), HasSubstr("no such fact"));
}

TEST(UnrulyFaults, AVerificationThatAsksAgainIsAskedAgainInTime) {
  Scripted first{.id = k_first};
  first.verify = [&] {
    return first.verifications < 4 ? verdict(v1::Verdict::RESULT_NOT_KNOWN_YET, 1s)
                                   : verdict(v1::Verdict::RESULT_REPAIRED);
  };
  World world({&first});
  EXPECT_TRUE(world.reaches(k_first, v1::INCIDENT_STATE_REPAIRED, 5s));
}

TEST(UnrulyFaults, OneRepairDoesNotWaitForAnothersVerification) {
  Scripted first{.id = k_first}, second{.id = k_second};
  first.verify = [] { return verdict(v1::Verdict::RESULT_NOT_KNOWN_YET, 10s); };
  World world({&first, &second});
  EXPECT_TRUE(world.reaches(k_second, v1::INCIDENT_STATE_REPAIRED, 10s));
  ASSERT_TRUE(world.engine->in_state(k_first, v1::INCIDENT_STATE_REPAIRING));

  const auto rollback = [](std::uint64_t incident) { return order(v1::ActRequest::kRollback, incident); };
  EXPECT_TRUE(world.engine->act(rollback(world.engine->incident(k_second)->id()))) << "it is not being repaired";
  EXPECT_EQ(world.engine->act(rollback(world.engine->incident(k_first)->id())).error().code, ErrorCode::conflict);
}

TEST(UnrulyFaults, TwoThatCannotBePlannedDoNotTakeTurnsWithoutAPause) {
  Scripted first{.id = k_first}, second{.id = k_second};
  for (auto* script : {&first, &second}) script->plan = []() -> v1::Plan { throw_it(); };
  World world({&first, &second});
  world.engine->run_for(10min);
  EXPECT_LE(first.plans, 61);
  EXPECT_LE(second.plans, 61);
  EXPECT_LE(count_entries(world.journal, v1::JournalEntry::kIncidentStateChanged), 2u) << "the same is said again";
}

TEST(UnrulyFaults, OneThatIsMaskedSaysSoOnceAndWaits) {
  bool clock_is_wrong = false;
  Scripted mask{.id = k_mask}, masked{.id = k_first};
  mask.detect = [&](const auto&) { return std::vector<v1::Diagnosis>(clock_is_wrong ? 1 : 0); };
  masked.plan = []() -> v1::Plan { throw_it(); };
  World world({&mask, &masked});
  ASSERT_TRUE(world.reaches(k_first, v1::INCIDENT_STATE_OPEN, 1s));
  clock_is_wrong = true;
  world.engine->run_for(20min);
  EXPECT_THAT(world.engine->incident(k_first)->reason(), HasSubstr("clock_wrong"));
  const auto plans = masked.plans;
  const auto entries = count_entries(world.journal, v1::JournalEntry::kIncidentStateChanged);
  world.engine->run_for(2h);
  EXPECT_EQ(masked.plans, plans);
  EXPECT_EQ(count_entries(world.journal, v1::JournalEntry::kIncidentStateChanged), entries);
}

TEST(UnrulyFaults, OneOnSeveralSubjectsHasAnIncidentForEach) {
  std::set<std::string> broken{"SessionEnv", "TermService"};
  Scripted first{.id = k_first};
  first.detect = [&](const auto&) {
    std::vector<v1::Diagnosis> found;
    for (const auto& subject : broken) {
      found.push_back(repairable(subject));
      found.back().set_repairable(false);
    }
    return found;
  };
  World world({&first});
  // The newest incident about each subject, and its state.
  const auto states = [&] {
    std::map<std::string, v1::IncidentState> of;
    for (const auto& [id, incident] : world.engine->engine().snapshot()->incidents)
      of[incident->diagnosis().subject()] = incident->state();
    return of;
  };
  using testing::Pair;
  using testing::UnorderedElementsAre;
  world.engine->settle();
  EXPECT_THAT(states(), UnorderedElementsAre(Pair("SessionEnv", v1::INCIDENT_STATE_ESCALATED),
                                             Pair("TermService", v1::INCIDENT_STATE_ESCALATED)));
  broken = {"TermService", "UmRdpService"};
  world.engine->run_for(20min);
  EXPECT_THAT(states(), UnorderedElementsAre(Pair("SessionEnv", v1::INCIDENT_STATE_CLEARED),
                                             Pair("TermService", v1::INCIDENT_STATE_ESCALATED),
                                             Pair("UmRdpService", v1::INCIDENT_STATE_ESCALATED)));
  EXPECT_EQ(world.engine->incidents(), 3u);
}

TEST(UnrulyFaults, ARepairIsOfItsOwnSubject) {
  std::set<std::string> broken{"SessionEnv", "TermService"};
  Scripted first{.id = k_first};
  first.detect = [&](const auto&) {
    std::vector<v1::Diagnosis> found;
    for (const auto& subject : broken) found.push_back(repairable(subject));
    return found;
  };
  first.plan = [&] {
    broken.erase("TermService");  // Between the two plans somebody mends the other one.
    return one_write();
  };
  World world({&first});
  EXPECT_TRUE(
      world.engine->run_until([&] { return count_entries(world.journal, v1::JournalEntry::kRepairEnded) == 1; }, 1min));
  world.engine->run_for(1min);
  EXPECT_EQ(count_entries(world.journal, v1::JournalEntry::kRepairStarted), 1u) << "the other one is gone";
}

TEST(UnrulyFaults, AFaultIsHandedItsOwnSignal) {
  v1::Signal of_first, of_second;
  of_first.add_fault_ids(k_first);
  (*of_first.mutable_captures())["who"] = "first";
  of_second.add_fault_ids(k_second);
  (*of_second.mutable_captures())["who"] = "second";
  Reasons reasons(of_first);
  reasons.add(of_second);
  EXPECT_EQ(reasons.newest(k_first).captures().at("who"), "first");
  EXPECT_EQ(reasons.newest(k_second).captures().at("who"), "second");
  EXPECT_TRUE(reasons.newest(k_mask).captures().empty()) << "it masks one of them";
  EXPECT_THAT(reasons.faults(), testing::ElementsAre(k_first, k_second));

  v1::Signal sweep;
  sweep.set_kind(v1::Signal::KIND_SCHEDULE);
  reasons.add(sweep);
  EXPECT_EQ(reasons.newest(k_first).captures().at("who"), "first");
  EXPECT_EQ(reasons.newest(k_mask).kind(), v1::Signal::KIND_SCHEDULE);
  EXPECT_TRUE(reasons.faults().empty()) << "all";
}

// The journal of a version that knew more, or other, faults.
std::vector<v1::JournalEntry> incident_of(const std::string& fault, v1::IncidentState state) {
  std::vector<v1::JournalEntry> entries(1);
  auto diagnosis = repairable();
  diagnosis.set_fault_id(fault);
  *entries[0].mutable_incident_opened()->mutable_diagnosis() = diagnosis;
  if (state == v1::INCIDENT_STATE_OPEN) return entries;
  entries.resize(5);
  auto& plan = *entries[1].mutable_plan_made()->mutable_plan();
  plan.set_id("1/1");
  plan.set_fault_id(fault);
  plan.add_rungs();
  entries[2].mutable_repair_started()->set_plan_id("1/1");
  entries[2].mutable_repair_started()->set_attempt(1);
  entries[3].mutable_rung_started()->set_rung(1);
  entries[4].mutable_incident_state_changed()->set_from(v1::INCIDENT_STATE_OPEN);
  entries[4].mutable_incident_state_changed()->set_to(state);
  for (std::size_t i = 1; i < entries.size(); ++i) entries[i].set_incident_id(1);
  return entries;
}

TEST(UnrulyFaults, AnIncidentOfOneThatThisVersionDoesNotKnowIsAnAdministratorsQuestion) {
  Scripted first{.id = k_first};
  World world({&first}, incident_of("gone", v1::INCIDENT_STATE_OPEN));
  EXPECT_TRUE(world.reaches("gone", v1::INCIDENT_STATE_ESCALATED, 1min));
  EXPECT_THAT(world.engine->incident("gone")->reason(), HasSubstr("knows no fault gone"));
  EXPECT_TRUE(world.reaches(k_first, v1::INCIDENT_STATE_REPAIRED, 1min));
}

TEST(UnrulyFaults, ARepairOfOneThatThisVersionDoesNotKnowIsUndone) {
  Scripted first{.id = k_first};
  World world({&first}, incident_of("gone", v1::INCIDENT_STATE_REPAIRING));
  EXPECT_TRUE(world.reaches("gone", v1::INCIDENT_STATE_ESCALATED, 1min));
  const auto entries = all_entries(world.journal);
  EXPECT_TRUE(std::any_of(entries.begin(), entries.end(), [](const auto& entry) {
    return entry.incident_id() == 1 && entry.repair_ended().outcome() == v1::RepairEnded::OUTCOME_ROLLED_BACK;
  }));
  EXPECT_TRUE(world.reaches(k_first, v1::INCIDENT_STATE_REPAIRED, 1min));
}

TEST(UnrulyFaults, AStopWaitsForTheJobThatIsUnderWayAndNothingBeginsAfterwards) {
  Scripted first{.id = k_first};
  World world({&first});
  bool stopped = false;
  first.detect = [&](const auto&) -> std::vector<v1::Diagnosis> {
    EXPECT_FALSE(stopped);
    return std::vector{repairable()};
  };
  world.engine->engine().stop("the test is over", [&] { stopped = true; });
  world.engine->settle();
  EXPECT_TRUE(stopped);
  EXPECT_EQ(first.plans, 0);
  EXPECT_EQ(world.engine->engine().agenda().next(), std::nullopt);
  EXPECT_EQ(all_entries(world.journal).back().body_case(), v1::JournalEntry::kServiceStopped);
}

}  // namespace
}  // namespace rdpmend::test
