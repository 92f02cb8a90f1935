// The life of a loan: begun, prolonged, given back, over by itself; through crashes, restarts, clocks that are set,
// outside edits and writes that fail.
#include "agent-lib/engine/loans.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/rehearsed_engine.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;
using sim::Injection;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view k_nla = "UserAuthentication";

v1::SimChange registry(std::string_view key, std::string_view name, std::optional<std::uint32_t> number) {
  v1::SimChange change;
  auto& value = *change.add_registry();
  value.set_key("HKLM\\" + std::string(key));
  value.set_name(std::string(name));
  if (number) {
    value.set_dword(*number);
  } else {
    value.set_absent(true);
  }
  return change;
}

v1::LendRequest relaxation(Duration duration, const std::string& request_id = "lend") {
  v1::LendRequest request;
  request.set_kind(v1::Loan::KIND_NLA);
  *request.mutable_duration() = to_proto_duration(duration);
  request.set_reason("an old client, ticket 7");
  request.set_request_id(request_id);
  return request;
}

// A host that outlives the engines that are at work on it.
struct Lending {
  explicit Lending(v1::PolicyConfig policy = {}, const std::string& story = "healthy")
      : host(scenario(story), {}), policy_(std::move(policy)) {
    begin();
  }
  void begin() { engine = std::make_unique<RehearsedEngine>(host, journal, policy_); }
  // As after kill -9.
  void begin_again() {
    engine.reset();
    begin();
    engine->settle();
  }

  Result<v1::LendResponse> lend(const v1::LendRequest& request) const {
    std::optional<Result<v1::LendResponse>> answer;
    engine->engine().lend(request, {"anna", "AB", "192.0.2.7"},
                          [&](Result<v1::LendResponse> result) { answer = std::move(result); });
    engine->settle();
    return answer ? *answer : fail(ErrorCode::internal, "no answer");
  }
  Result<v1::LendResponse> lend(Duration duration) const { return lend(relaxation(duration)); }
  Status give_back(const std::string& request_id = "back") const {
    v1::GiveBackRequest request;
    request.set_kind(v1::Loan::KIND_NLA);
    request.set_request_id(request_id);
    std::optional<Result<v1::GiveBackResponse>> answer;
    engine->engine().give_back(request, {"anna", "AB", "192.0.2.7"},
                               [&](Result<v1::GiveBackResponse> result) { answer = std::move(result); });
    engine->settle();
    if (!answer) return fail(ErrorCode::internal, "no answer");
    return *answer ? Status{} : fail(answer->error());
  }
  void stop() const {
    engine->engine().stop("test", [] {});
    engine->settle();
  }

  std::optional<std::uint32_t> value(std::string_view name) {
    return read_dword(host.control().registry, registry_key::k_rdp_tcp, name).value();
  }
  std::optional<std::uint32_t> nla() { return value(k_nla); }
  void set(std::string_view name, std::optional<std::uint32_t> number, std::string_view key = registry_key::k_rdp_tcp) {
    host.change(registry(key, name, number));
  }
  std::vector<v1::Loan> running() const { return engine->engine().snapshot()->loans; }
  v1::LoanEnded end() const {
    v1::LoanEnded last;
    for (const auto& entry : all_entries(journal)) {
      if (entry.has_loan_ended()) last = entry.loan_ended();
    }
    return last;
  }
  std::size_t count(v1::JournalEntry::BodyCase body) const { return count_entries(journal, body); }

  sim::SimHost host;
  sim::MemoryJournal journal;
  std::unique_ptr<RehearsedEngine> engine;

 private:
  const v1::PolicyConfig policy_;
};

// --- a life ---

TEST(Loans, LowerNlaForATimeAndEndByThemselves) {
  Lending world;
  const auto before = world.host.fingerprint();
  const auto lent = world.lend(1h);
  ASSERT_TRUE(lent) << to_string(lent.error());
  EXPECT_EQ(lent->loan().asked_by(), "anna");
  EXPECT_EQ(lent->loan().why(), "an old client, ticket 7");
  EXPECT_THAT(lent->loan().step().description(), HasSubstr("set RDP-Tcp\\UserAuthentication to 0 (was 1)"));
  EXPECT_EQ(world.nla(), 0u);
  EXPECT_EQ(world.value("SecurityLayer"), 2u);
  world.engine->run_for(59min);
  EXPECT_EQ(world.nla(), 0u);
  ASSERT_EQ(world.running().size(), 1u);
  world.engine->run_for(61s);
  EXPECT_EQ(world.host.fingerprint(), before);
  EXPECT_THAT(world.running(), IsEmpty());
  EXPECT_EQ(world.end().outcome(), v1::LoanEnded::OUTCOME_RETURNED);
  EXPECT_EQ(world.end().reason(), "its time is over: put back");
}

TEST(Loans, AreJournalledBeforeAnythingIsWrittenWithWhoAndWhatStoodThere) {
  Lending world;
  world.engine->settle();
  world.journal.crash_after_append(1);
  EXPECT_THROW((void)world.lend(1h), sim::Crash);
  EXPECT_EQ(world.nla(), 1u);
  const auto entries = all_entries(world.journal);
  ASSERT_GE(entries.size(), 2u);
  const auto& order = entries[entries.size() - 2].admin_action();
  EXPECT_EQ(order.method(), "Lend");
  EXPECT_EQ(order.client(), "anna");
  EXPECT_EQ(order.certificate_sha256(), "AB");
  EXPECT_EQ(order.peer(), "192.0.2.7");
  EXPECT_EQ(entries.back().loan_begun().loan().before().setting().number(), 1u);
}

TEST(Loans, AreProlongedByAFurtherOrder) {
  Lending world;
  ASSERT_TRUE(world.lend(1h));
  world.engine->run_for(30min);
  const auto again = world.lend(relaxation(2h, "once more"));
  ASSERT_TRUE(again) << to_string(again.error());
  EXPECT_EQ(world.running().size(), 1u) << "one of a kind";
  world.engine->run_for(119min);
  EXPECT_EQ(world.nla(), 0u);
  world.engine->run_for(61s);
  EXPECT_EQ(world.nla(), 1u);
  EXPECT_EQ(world.count(v1::JournalEntry::kLoanBegun), 1u);
  EXPECT_EQ(world.count(v1::JournalEntry::kLoanRescheduled), 1u);
}

TEST(Loans, AreGivenBackWhenOrdered) {
  Lending world;
  EXPECT_EQ(world.give_back("early").error().code, ErrorCode::conflict);
  ASSERT_TRUE(world.lend(1h));
  ASSERT_TRUE(world.give_back());
  EXPECT_EQ(world.nla(), 1u);
  EXPECT_THAT(world.running(), IsEmpty());
  EXPECT_TRUE(world.give_back()) << "the same request again";
  EXPECT_EQ(world.count(v1::JournalEntry::kAdminAction), 2u);
}

TEST(Loans, AnOrderIsCarriedOutOnceHoweverOftenItComes) {
  Lending world;
  ASSERT_TRUE(world.lend(1h));
  world.engine->run_for(50min);
  EXPECT_TRUE(world.lend(1h)->has_loan());
  world.engine->run_for(11min);
  EXPECT_EQ(world.nla(), 1u) << "the repeated order has prolonged it";
  EXPECT_FALSE(world.lend(1h)->has_loan());
  EXPECT_EQ(world.nla(), 1u);
}

TEST(Loans, EndWhenTheServiceStopsBecauseNobodyElseWouldEndThem) {
  Lending world;
  ASSERT_TRUE(world.lend(1h));
  world.stop();
  EXPECT_EQ(world.nla(), 1u);
  EXPECT_EQ(world.end().reason(), "the service stops: put back");
  EXPECT_EQ(all_entries(world.journal).back().body_case(), v1::JournalEntry::kServiceStopped);
}

// --- clocks and restarts ---

void set_clock(sim::SimHost& host, Duration offset) {
  v1::SimChange change;
  *change.mutable_clock()->mutable_offset() = to_proto_duration(offset);
  host.change(change);
}

TEST(Loans, AClockThatIsSetForwardEndsThemSoonAndOneThatIsSetBackProlongsNothing) {
  for (const Duration offset : {Duration{2h}, Duration{-2h}}) {
    Lending world;
    ASSERT_TRUE(world.lend(1h));
    set_clock(world.host, offset);
    world.engine->run_for(offset > Duration::zero() ? Duration{61s} : Duration{59min});
    EXPECT_EQ(world.nla(), offset > Duration::zero() ? 1u : 0u);
    world.engine->run_for(61s);
    EXPECT_EQ(world.nla(), 1u);
  }
}

TEST(Loans, RunOnAfterACrashUntilTheirTimeIsOver) {
  Lending world;
  ASSERT_TRUE(world.lend(1h));
  world.engine->run_for(30min);
  world.begin_again();
  EXPECT_EQ(world.nla(), 0u);
  ASSERT_EQ(world.running().size(), 1u);
  world.engine->run_for(31min);
  EXPECT_EQ(world.nla(), 1u);
}

TEST(Loans, WhatIsDueAtAStartIsGivenBackBeforeTheHostIsLookedAt) {
  Lending world;
  ASSERT_TRUE(world.lend(1h));
  world.engine.reset();
  world.host.advance(3h);
  world.begin();
  world.host.injector().reset_calls();
  world.engine->settle();
  EXPECT_EQ(world.nla(), 1u);
  EXPECT_THAT(world.running(), IsEmpty());
}

TEST(Loans, ARestartOfTheHostEndsThemWhateverTheClocksSay) {
  Lending world;
  ASSERT_TRUE(world.lend(8h));
  world.engine.reset();
  world.host.restart();
  world.begin();
  world.engine->settle();
  EXPECT_EQ(world.nla(), 1u);
  EXPECT_EQ(world.end().reason(), "the host was restarted: put back");
}

TEST(Loans, SurviveThePruningOfTheJournal) {
  Lending world;
  ASSERT_TRUE(world.lend(8h));
  world.journal.want_pruning(true);
  world.engine->run_for(2h);
  ASSERT_EQ(world.count(v1::JournalEntry::kLoanBegun), 0u) << "not pruned";
  world.begin_again();
  ASSERT_EQ(world.running().size(), 1u);
  world.engine->run_for(6h + 1s);
  EXPECT_EQ(world.nla(), 1u);
}

// Whatever is written last, and whichever call to the host is the last: once the time is over the host is as it was.
TEST(Loans, ACrashAtAnyPointLeavesNoneBehind) {
  std::string before;
  const auto story = [&](Lending& world) {
    (void)world.lend(1h);
    world.engine->run_for(10min);
    (void)world.lend(relaxation(30min, "prolonged"));
    world.engine->run_for(10min);
    (void)world.give_back();
  };
  const auto survives = [&](const std::string& where, const std::function<void(Lending&)>& arm) {
    Lending world;
    world.engine->settle();
    before = world.host.fingerprint();
    arm(world);
    bool crashed = false;
    try {
      story(world);
    } catch (const sim::Crash&) {
      crashed = true;
    }
    world.journal.crash_after_append(0);
    if (!crashed) return false;
    EXPECT_NO_THROW(world.begin_again()) << where;
    world.engine->run_for(61min);
    EXPECT_EQ(world.host.fingerprint(), before) << where;
    EXPECT_THAT(world.running(), IsEmpty()) << where;
    return true;
  };
  std::uint64_t appends = 0;
  while (survives(std::to_string(appends + 1) + " appends",
                  [&](Lending& world) { world.journal.crash_after_append(appends + 1); }))
    ++appends;
  EXPECT_GE(appends, 4u);
  for (const auto injection : {Injection::crash_before, Injection::crash_after_success}) {
    std::uint64_t calls = 0;
    while (survives(std::to_string(calls + 1) + " calls",
                    [&](Lending& world) { world.host.injector().arm(calls + 1, injection); }))
      ++calls;
    EXPECT_EQ(calls, 2u);
  }
}

// --- what is not lent ---

TEST(Loans, AreRefusedWithoutATraceOnTheHostOrAnOrderInTheJournal) {
  const auto refused = [](Lending& world, const v1::LendRequest& request) {
    const auto before = world.host.fingerprint();
    const auto answer = world.lend(request);
    EXPECT_FALSE(answer);
    EXPECT_EQ(world.host.fingerprint(), before);
    EXPECT_EQ(world.count(v1::JournalEntry::kAdminAction), 0u);
    EXPECT_EQ(world.count(v1::JournalEntry::kLoanBegun), 0u);
    return answer ? Error{} : answer.error();
  };
  {
    Lending world;
    EXPECT_EQ(refused(world, relaxation(Loans::k_shortest - 1s)).code, ErrorCode::invalid_argument);
    EXPECT_EQ(refused(world, relaxation(Loans::k_longest + 1s)).code, ErrorCode::invalid_argument);
    v1::LendRequest nothing = relaxation(1h);
    nothing.set_kind(v1::Loan::KIND_UNSPECIFIED);
    EXPECT_EQ(refused(world, nothing).code, ErrorCode::invalid_argument);
  }
  for (const std::uint32_t by_policy : {0u, 1u}) {
    Lending world;
    world.set(k_nla, by_policy, registry_key::k_policy);
    const auto error = refused(world, relaxation(1h));
    EXPECT_EQ(error.code, ErrorCode::denied);
    EXPECT_THAT(error.what, HasSubstr("HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows NT\\Terminal Services"));
  }
  for (const std::optional<std::uint32_t> layer :
       {std::optional(0u), std::optional(1u), std::optional<std::uint32_t>()}) {
    Lending world;
    world.set("SecurityLayer", layer);
    EXPECT_THAT(refused(world, relaxation(1h)).what, HasSubstr("SecurityLayer"));
  }
  {
    Lending world;
    world.set(k_nla, 0);
    EXPECT_EQ(refused(world, relaxation(1h)).code, ErrorCode::conflict) << "it is not ours to end";
    world.set(k_nla, std::nullopt);
    EXPECT_EQ(refused(world, relaxation(1h)).code, ErrorCode::denied);
    world.set(k_nla, 7);
    EXPECT_EQ(refused(world, relaxation(1h)).code, ErrorCode::denied);
  }
  {
    v1::PolicyConfig policy;
    policy.set_forbid_relaxing(true);
    Lending world(policy);
    EXPECT_THAT(refused(world, relaxation(1h)).what, HasSubstr("configuration"));
  }
}

// --- what goes wrong ---

TEST(Loans, AWriteThatFailsLeavesTheHostAsItWas) {
  for (const auto injection :
       {Injection::denied, Injection::busy, Injection::timeout, Injection::timeout_after_success}) {
    Lending world;
    world.engine->settle();
    const auto before = world.host.fingerprint();
    world.host.injector().arm(1, injection);
    EXPECT_FALSE(world.lend(1h)) << sim::to_string(injection);
    EXPECT_EQ(world.host.fingerprint(), before) << sim::to_string(injection);
    EXPECT_THAT(world.running(), IsEmpty());
    EXPECT_THAT(world.end().reason(), HasSubstr("it could not be written"));
  }
}

// The registry of a host where writing is denied as long as a test says so.
class GuardedRegistry final : public Registry {
 public:
  explicit GuardedRegistry(Registry& registry) : registry_(registry) {}
  Result<std::optional<RegistryValue>> value(std::string_view key, std::string_view name) const override {
    return registry_.value(key, name);
  }
  Result<std::optional<v1::FileSecurity>> security(std::string_view key) const override {
    return registry_.security(key);
  }
  Status set(std::string_view key, std::string_view name, const RegistryValue& value) override {
    ++tries;
    if (denied) return fail(ErrorCode::denied, "access is denied");
    return registry_.set(key, name, value);
  }
  Status erase(std::string_view key, std::string_view name) override { return registry_.erase(key, name); }

  bool denied = false;
  int tries = 0;

 private:
  Registry& registry_;
};

// Loans alone, over that registry.
struct Guarded {
  void settle() {
    do {
      io.restart();
    } while (io.poll() > 0);
  }
  void run_for(Duration time) {
    const auto end = sim.control().clock.steady() + time;
    for (;;) {
      settle();
      const auto next = std::min(agenda.next().value_or(end), end);
      const auto now = sim.control().clock.steady();
      if (next <= now && now >= end) return;
      if (next > now) sim.advance(next - now);
      agenda.run_due();
    }
  }

  sim::SimHost sim{scenario("healthy"), {}};
  GuardedRegistry registry{sim.control().registry};
  const HostControl real = sim.control();
  const HostControl host{real.identity,  real.clock,    real.events,   registry,      real.certificates,
                         real.key_files, real.services, real.firewall, real.sessions, real.listener};
  sim::MemoryJournal journal;
  Ledger ledger{journal, host.clock};
  asio::io_context io;
  Jobs jobs{io.get_executor(), io.get_executor()};
  Agenda agenda{host.clock};
  Pen pen;
  Loans loans{{host, ledger, jobs, agenda, pen, false}};
};

TEST(Loans, WhatCannotBeGivenBackIsTriedAgainWithoutNoiseUntilItCan) {
  Guarded world;
  bool lent = false;
  world.loans.lend(v1::Loan::KIND_NLA, 1h, {}, [&](const auto& loan) { lent = loan.has_value(); });
  world.settle();
  ASSERT_TRUE(lent);
  world.registry.denied = true;
  world.registry.tries = 0;
  world.run_for(25h);
  ASSERT_EQ(world.ledger.loans().size(), 1u) << "forgotten";
  EXPECT_THAT(world.ledger.loans().front().trouble(), HasSubstr("access is denied"));
  EXPECT_EQ(count_entries(world.journal, v1::JournalEntry::kLoanOverdue), 1u);
  EXPECT_GT(world.registry.tries, 24 * 6);
  EXPECT_LT(world.registry.tries, 24 * 6 + 20) << "every ten minutes at last";

  Status answer;
  world.loans.give_back(v1::Loan::KIND_NLA, {}, [&](const Status& status) { answer = status; });
  world.settle();
  EXPECT_EQ(answer.error().code, ErrorCode::denied) << "whoever orders it hears why not";

  world.registry.denied = false;
  world.run_for(11min);
  EXPECT_THAT(world.ledger.loans(), IsEmpty());
}

TEST(Loans, WhatSomebodyElseHasChangedIsLeftAloneAndTold) {
  for (const std::optional<std::uint32_t> edit : {std::optional(7u), std::optional<std::uint32_t>()}) {
    Lending world;
    ASSERT_TRUE(world.lend(1h));
    world.set(k_nla, edit);
    world.engine->engine().host_changed();
    world.engine->run_for(10s);
    EXPECT_EQ(world.nla(), edit);
    EXPECT_THAT(world.running(), IsEmpty());
    EXPECT_EQ(world.end().outcome(), v1::LoanEnded::OUTCOME_BLOCKED);
    EXPECT_THAT(world.end().reason(), HasSubstr("somebody else has changed it, and it is left alone: it is "));
  }
}

TEST(Loans, AnEditThatNobodyToldOfIsLeftAloneAtTheEnd) {
  Lending world;
  ASSERT_TRUE(world.lend(1h));
  world.set(k_nla, 7);
  world.engine->run_for(61min);
  EXPECT_EQ(world.nla(), 7u);
  EXPECT_EQ(world.end().outcome(), v1::LoanEnded::OUTCOME_BLOCKED);
  EXPECT_EQ(world.give_back().error().code, ErrorCode::conflict);
}

TEST(Loans, EndWhenSomebodyElsePutsTheHostBack) {
  Lending world;
  ASSERT_TRUE(world.lend(1h));
  world.set(k_nla, 1);
  world.engine->engine().host_changed();
  world.engine->run_for(10s);
  EXPECT_THAT(world.running(), IsEmpty());
  EXPECT_EQ(world.end().outcome(), v1::LoanEnded::OUTCOME_RETURNED);
}

TEST(Loans, AreGivenBackAlthoughTheJournalCannotBeWritten) {
  Lending world;
  ASSERT_TRUE(world.lend(1h));
  world.journal.fail_appends(Error{ErrorCode::exhausted, "the disk is full", "", {}});
  world.engine->run_for(61min);
  EXPECT_EQ(world.nla(), 1u);
  world.journal.fail_appends(std::nullopt);
  world.engine->run_for(2min);
  EXPECT_THAT(world.running(), IsEmpty());
}

TEST(Loans, NothingIsLentThatCannotBeJournalled) {
  Lending world;
  world.engine->settle();
  world.journal.fail_appends(Error{ErrorCode::exhausted, "the disk is full", "", {}});
  EXPECT_FALSE(world.lend(1h));
  EXPECT_EQ(world.nla(), 1u);
}

// --- beside repairs ---

TEST(Loans, KeepNoRepairWaitingAndAreKeptByNone) {
  Lending world({}, "certificate-key-missing");
  ASSERT_TRUE(world.lend(1h));
  ASSERT_TRUE(world.engine->run_until(
      [&] { return world.engine->in_state("certificate_expired", v1::INCIDENT_STATE_REPAIRED); }, 10min));
  EXPECT_EQ(world.nla(), 0u);
  world.engine->run_for(61min);
  EXPECT_EQ(world.nla(), 1u);
}

TEST(Loans, AHostWhereNlaIsRelaxedHasNoFault) {
  Lending world;
  ASSERT_TRUE(world.lend(8h));
  world.engine->run_for(7h);
  EXPECT_EQ(world.engine->incidents(), 0u);
}

}  // namespace
}  // namespace rdpmend::test
