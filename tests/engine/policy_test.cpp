#include "agent-lib/engine/policy.hpp"

#include <gtest/gtest.h>

#include "agent-lib/rules/catalogue.hpp"

namespace rdpmend {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using What = Decision::What;

const WallTime k_monday_morning = std::chrono::sys_days{std::chrono::year{2026} / 3 / 2} + 8h;

v1::FaultInfo fault() {
  return *Catalogue::built_in().find_fault("certificate_expired");
}

v1::Incident repairable() {
  v1::Incident incident;
  incident.mutable_diagnosis()->set_fault_id("certificate_expired");
  incident.mutable_diagnosis()->set_repairable(true);
  return incident;
}

// A book in which repairs of the fault were begun at these times.
IncidentBook book_with_repairs(const std::vector<WallTime>& times, std::uint32_t failures = 0) {
  v1::JournalEntry entry;
  auto& checkpoint = *entry.mutable_checkpoint();
  for (const auto time : times) {
    auto& repair = *checkpoint.add_repairs();
    repair.set_fault_id("certificate_expired");
    *repair.mutable_time() = to_proto(time);
  }
  checkpoint.set_failures_in_a_row(failures);
  IncidentBook book;
  book.apply(entry);
  return book;
}

Decision decide(const v1::PolicyConfig& config, const IncidentBook& book = {},
                const v1::Incident& incident = repairable()) {
  return Policy(config).decide(fault(), incident, book, k_monday_morning, Duration::zero());
}

TEST(Policy, RepairsReversibleFaultsByDefault) {
  EXPECT_EQ(decide({}).what, What::begin);
}

TEST(Policy, EscalatesWhatCannotBeRepairedWithItsAdvice) {
  auto incident = repairable();
  incident.mutable_diagnosis()->set_repairable(false);
  incident.mutable_diagnosis()->set_advice("ask the CA");
  const auto decision = decide({}, {}, incident);
  EXPECT_EQ(decision.what, What::escalate);
  EXPECT_NE(decision.reason.find("ask the CA"), std::string::npos);
}

TEST(Policy, FollowsTheModeOfTheConfiguration) {
  v1::PolicyConfig config;
  auto& own = *config.add_faults();
  own.set_fault_id("certificate_expired");
  own.set_mode(v1::FAULT_MODE_OBSERVE);
  EXPECT_EQ(decide(config).what, What::observe);
  own.set_mode(v1::FAULT_MODE_PROPOSE);
  EXPECT_EQ(decide(config).what, What::propose);
}

TEST(Policy, CoolsDownAfterARepairAndSaysUntilWhen) {
  const auto decision = decide({}, book_with_repairs({k_monday_morning - 4min}));
  EXPECT_EQ(decision.what, What::wait);
  EXPECT_EQ(decision.again, k_monday_morning + 6min);
  EXPECT_EQ(decide({}, book_with_repairs({k_monday_morning - 10min})).what, What::begin);
}

TEST(Policy, IgnoresARepairStampedByAClockThatWasAhead) {
  EXPECT_EQ(decide({}, book_with_repairs({k_monday_morning + days{365}})).what, What::begin);
}

TEST(Policy, EscalatesWhenTheAttemptsOfADayAreSpent) {
  EXPECT_EQ(decide({}, book_with_repairs({k_monday_morning - 3h, k_monday_morning - 2h})).what, What::escalate);
  EXPECT_EQ(decide({}, book_with_repairs({k_monday_morning - 25h, k_monday_morning - 2h})).what, What::begin);
}

TEST(Policy, StopsAllRepairsWhenTooManyFailedInARow) {
  const auto book = book_with_repairs({}, 3);
  EXPECT_TRUE(Policy({}).breaker_open(book));
  EXPECT_EQ(decide({}, book).what, What::wait);
  EXPECT_FALSE(Policy({}).breaker_open(book_with_repairs({}, 2)));
}

struct WindowCase {
  const char* begin;
  const char* end;
  const char* day;  // nullptr: every day
  Duration at;      // Since Monday 00:00.
  bool inside;
};

class RepairWindow : public testing::TestWithParam<WindowCase> {};

TEST_P(RepairWindow, KnowsWhatLiesWithin) {
  const auto& test = GetParam();
  v1::PolicyConfig config;
  auto& window = *config.add_repair_windows();
  window.set_begin(test.begin);
  window.set_end(test.end);
  if (test.day != nullptr) window.add_days(test.day);
  EXPECT_EQ(in_repair_window(config, k_monday_morning - 8h + test.at, Duration::zero()), test.inside);
}

INSTANTIATE_TEST_SUITE_P(
    , RepairWindow,
    testing::Values(WindowCase{"08:00", "09:00", nullptr, 8h, true}, WindowCase{"08:00", "09:00", nullptr, 9h, false},
                    WindowCase{"08:00", "09:00", nullptr, 8h - 1ns, false},
                    WindowCase{"22:00", "04:00", nullptr, 23h, true}, WindowCase{"22:00", "04:00", nullptr, 3h, true},
                    WindowCase{"22:00", "04:00", nullptr, 5h, false}, WindowCase{"22:00", "04:00", "Mon", 23h, true},
                    WindowCase{"22:00", "04:00", "Mon", 24h + 3h, true},  // Tuesday's early hours
                    WindowCase{"22:00", "04:00", "Mon", 3h, false},       // Monday's are Sunday's
                    WindowCase{"08:00", "09:00", "Tue", 8h, false}));

TEST(RepairWindows, AreInLocalTime) {
  v1::PolicyConfig config;
  auto& window = *config.add_repair_windows();
  window.set_begin("10:00");
  window.set_end("11:00");
  EXPECT_FALSE(in_repair_window(config, k_monday_morning, Duration::zero()));
  EXPECT_TRUE(in_repair_window(config, k_monday_morning, 2h));
  EXPECT_EQ(next_repair_window(config, k_monday_morning, Duration::zero()), k_monday_morning + 2h);
}

}  // namespace
}  // namespace rdpmend
