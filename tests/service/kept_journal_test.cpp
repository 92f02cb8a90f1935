// A journal that an earlier build wrote (tests/service/kept) is read by this one, its chain holds, and it implies the
// same incidents: the format is frozen by its number. Where there is no kept journal of the present format,
// RDPMEND_UPDATE_GOLDEN=1 writes one; one that is there is never written again.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <cstdlib>
#include <set>

#include "agent-lib/record/journal_chain.hpp"
#include "agent-lib/record/ledger.hpp"
#include "service/store/journal_file.hpp"
#include "tests/paths.hpp"
#include "tests/service/journal_test_support.hpp"

namespace rdpmend {
namespace {

namespace fs = std::filesystem;

fs::path kept_file(const std::string& ending) {
  return fs::path(test::source_dir()) / "tests/service/kept" /
         ("journal-" + std::to_string(k_journal_format) + "." + ending);
}

class SetClock : public Clock {
 public:
  WallTime now() const override { return time; }
  SteadyTime steady() const override { return {}; }
  Result<std::optional<TimeReference>> reference() const override { return std::nullopt; }
  bool wait_for(Duration, std::stop_token) const override { return true; }

  WallTime time = k_noon;
};

// A year of a host with every kind of entry: what it begins with is pruned at its end.
class Story {
 public:
  explicit Story(const fs::path& file) : journal_(open_journal(file)), ledger_(*journal_, clock_) {}

  void write() {
    say(0, R"(service_started { version: "0.1.0" host_name: "RDP1" host_kind: "windows" degraded: "a bad rule" })");
    const auto old = open(R"(fault_id: "clock_wrong" summary: "The clock is 3 h ahead")");
    change(old, "OPEN", "CLEARED", "the fault is no longer present");
    clock_.time += std::chrono::hours{24 * 400};
    say(0, R"(service_stopped { reason: "the computer is shut down" })");
    say(0, R"(service_started { version: "0.1.0" host_name: "RDP1" host_kind: "windows" })");
    repaired();
    clock_.time += std::chrono::hours{48};
    say(0, R"(internal_error { where: "worker" what: "no such fact" })");
    EXPECT_TRUE(ok(ledger_.prune_if_due()));
    undone();
    say(0, R"(service_trouble { part: "rpc" what: "the port is in use" })");
    say(0, R"(event_gap { channel: "System" reason: "the log was cleared" })");
    say(0,
        R"(channel_reopened { channel: "System" reason: "newer records are there" last_read_record: 7 newest_record: 9 })");
    say(0, R"(connection_limited { client: "helpdesk" peer: "192.0.2.10" reason: "too many requests" count: 3 })");
    say(0, R"(fault_id: "firewall_rule_disabled" look_failed { reason: "access is denied" })");
    say(0, R"(service_stopped { reason: "Größe und Ende: 終" })");
  }

 private:
  // One repair that helps, with a signal and an administrator's command.
  void repaired() {
    const auto id = open(
        R"(fault_id: "certificate_expired" subject: "RDP-Tcp" summary: "The certificate expired 2 days ago" repairable: true
           evidence { what: "certificate 3F2A" found: "not after 2026-02-27" expected: "30 days or more" source: "store" })");
    say(id, R"(signal_raised { signal { kind: KIND_EVENT fault_ids: "certificate_expired" rule_id: "renewal_failed"
               channel: "System" event_id: 1058 event_record_id: 4711 count: 3 captures { key: "code" value: "5" } } })");
    say(id, R"(incident_updated { diagnosis { fault_id: "certificate_expired" subject: "RDP-Tcp" repairable: true
               summary: "The certificate expired 3 days ago" } })");
    say(id, R"(admin_action { client: "local-admin" certificate_sha256: "A3F1" peer: "127.0.0.1" method: "Repair"
               request_id: "r-1" comment: "ticket 12" })");
    plan(id);
    change(id, "OPEN", "REPAIRING", "mode auto");
    say(id, R"(step_intended { step_number: 1 description: "restart service SessionEnv" before { step_number: 1 } })");
    say(id, R"(step_done { step_number: 1 description: "restart service SessionEnv" after { step_number: 1 } })");
    say(id, R"(verified { rung: 1 verdict { result: RESULT_REPAIRED summary: "state, handshake and events agree" } })");
    say(id, R"(repair_ended { outcome: OUTCOME_REPAIRED reason: "state, handshake and events agree" })");
    change(id, "REPAIRING", "REPAIRED", "verified");
  }
  // One that is undone as far as it can be, and then waits for a human.
  void undone() {
    const auto id =
        open(R"(fault_id: "certificate_expired" subject: "RDP-Tcp" summary: "Expired again" repairable: true)");
    plan(id);
    change(id, "OPEN", "REPAIRING", "mode auto");
    say(id, R"(step_intended { step_number: 1 description: "restart service SessionEnv" before { step_number: 1 } })");
    say(id, R"(step_done { step_number: 1 description: "restart service SessionEnv" after { step_number: 1 } })");
    say(id, R"(step_intended { step_number: 2 description: "restart service TermService" before { step_number: 2 } })");
    say(id, R"(step_failed { step_number: 2 description: "restart service TermService" cause: CAUSE_CONFLICT
               error: "somebody else changed it" })");
    say(id, R"(step_undone { step_number: 1 description: "restart service SessionEnv" detail: "put back" })");
    say(id,
        R"(step_undo_blocked { step_number: 2 description: "restart service TermService" reason: "it is disabled" })");
    say(id, R"(repair_ended { outcome: OUTCOME_ROLLBACK_BLOCKED reason: "step 2: it is disabled" })");
    change(id, "REPAIRING", "ESCALATED", "rollback blocked: step 2: it is disabled");
    say(id, R"(outside_probe { client: "helpdesk" peer: "192.0.2.10" report { host: "rdp1" port: 3389
               outcome: PROBE_OUTCOME_OK detail: "TLS done." } })");
  }
  void plan(std::uint64_t id) {
    say(id, R"(plan_made { plan { id: "p/1" fault_id: "certificate_expired" subject: "RDP-Tcp" summary: "Restart them"
               rungs { reason: "the least" steps { number: 1 description: "restart service SessionEnv" }
                       steps { number: 2 description: "restart service TermService" drops_sessions: true } } } })");
    say(id, R"(repair_started { plan_id: "p/1" attempt: 1 snapshot { step_number: 1 } snapshot { step_number: 2 } })");
    say(id, R"(rung_started { rung: 1 approved_by: "local-admin" })");
  }

  std::uint64_t open(const std::string& diagnosis) {
    v1::Signal signal;
    signal.set_kind(v1::Signal::KIND_STARTUP);
    v1::Diagnosis parsed;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(diagnosis, &parsed)) << diagnosis;
    return ledger_.open_incident(parsed, signal).value();
  }
  void change(std::uint64_t id, const std::string& from, const std::string& to, const std::string& reason) {
    say(id, "incident_state_changed { from: INCIDENT_STATE_" + from + " to: INCIDENT_STATE_" + to + " reason: \"" +
                reason + "\" }");
  }
  void say(std::uint64_t id, const std::string& text) {
    clock_.time += std::chrono::seconds{1};
    v1::JournalEntry entry;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &entry)) << text;
    entry.set_incident_id(id);
    EXPECT_TRUE(ok(ledger_.record({entry})));
  }

  SetClock clock_;
  std::unique_ptr<SqliteJournal> journal_;
  Ledger ledger_;
};

v1::Checkpoint implied_by(Journal& journal) {
  const SetClock clock;
  Ledger ledger(journal, clock);
  EXPECT_TRUE(ok(ledger.replay()));
  return ledger.read([](const IncidentBook& book) { return book.checkpoint(); });
}

class KeptJournal : public testing::Test {
 protected:
  static bool wants_update() { return std::getenv("RDPMEND_UPDATE_GOLDEN") != nullptr; }

  void SetUp() override {
    if (!fs::exists(kept_file("sqlite")) && wants_update()) {
      fs::create_directories(kept_file("sqlite").parent_path());
      Story(folder / "story.sqlite").write();
      fs::copy_file(folder / "story.sqlite", kept_file("sqlite"));
    }
    ASSERT_TRUE(fs::exists(kept_file("sqlite"))) << kept_file("sqlite") << ": run with RDPMEND_UPDATE_GOLDEN=1";
    fs::copy_file(kept_file("sqlite"), folder / "journal.sqlite");
    journal = open_journal(folder / "journal.sqlite");
    ASSERT_NE(journal, nullptr);
  }

  TempFolder folder;
  std::unique_ptr<SqliteJournal> journal;
};

TEST_F(KeptJournal, its_chain_holds_from_its_anchor_on) {
  EXPECT_EQ(chain_problem(*journal), "");
  EXPECT_GT(journal->range().first_seq, 1u) << "its beginning was pruned";
  const auto stored = journal->read_stored(0, 1000).value();
  ASSERT_FALSE(stored.empty());
  ChainLink last{stored.front().seq() - 1, stored.front().previous_hash()};
  for (const auto& entry : stored) EXPECT_EQ(check_link(entry, last), "");
  EXPECT_EQ(last.seq, journal->range().last_seq);
}

TEST_F(KeptJournal, every_entry_says_something_that_this_version_knows) {
  std::set<int> kinds;
  const auto all = journal->read(0, 1000).value();
  for (const auto& entry : all) {
    EXPECT_NE(entry.body_case(), v1::JournalEntry::BODY_NOT_SET) << entry.seq();
    EXPECT_TRUE(entry.GetReflection()->GetUnknownFields(entry).empty()) << entry.ShortDebugString();
    kinds.insert(entry.body_case());
  }
  EXPECT_GE(kinds.size(), 25u);
}

TEST_F(KeptJournal, it_implies_the_same_incidents) {
  const auto implied = implied_by(*journal);
  std::string text;
  ASSERT_TRUE(google::protobuf::TextFormat::PrintToString(implied, &text));
  const auto golden = kept_file("textproto");
  if (wants_update()) write_bytes(golden, text);
  v1::Checkpoint expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(bytes_of(golden), &expected)) << golden;
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(implied, expected)) << text;
}

TEST_F(KeptJournal, it_is_gone_on_with) {
  ASSERT_TRUE(ok(append_one(*journal, note("the next version"))));
  EXPECT_EQ(chain_problem(*journal), "");
}

}  // namespace
}  // namespace rdpmend
