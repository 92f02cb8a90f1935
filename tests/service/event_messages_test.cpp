// What the Windows event log is told: the kinds, their texts in messages.mc, and the table for administrators.
#include "service/event_log/event_messages.hpp"

#include <gmock/gmock.h>
#include <openssl/evp.h>

#include <regex>

#include "agent-lib/support/hex.hpp"
#include "tests/paths.hpp"
#include "tests/service/journal_test_support.hpp"

namespace rdpmend {
namespace {

using testing::ElementsAre;

std::string source_file(const std::string& name) {
  return bytes_of(std::filesystem::path(test::source_dir()) / name);
}

struct Text {
  std::string severity;
  std::string symbol;
  std::size_t highest_insert = 0;
};

std::map<int, Text> texts_in_messages_mc() {
  const auto file = source_file("service/event_log/messages.mc");
  static const std::regex message(
      R"(MessageId=(\d+)\nSeverity=(\w+)\nFacility=Application\nSymbolicName=(\w+)\nLanguage=English\n([\s\S]*?)\n\.\n)");
  static const std::regex insert(R"(%(\d))");
  std::map<int, Text> texts;
  for (auto it = std::sregex_iterator(file.begin(), file.end(), message); it != std::sregex_iterator(); ++it) {
    Text text{(*it)[2], (*it)[3], 0};
    const std::string body = (*it)[4];
    for (auto at = std::sregex_iterator(body.begin(), body.end(), insert); at != std::sregex_iterator(); ++at) {
      text.highest_insert = std::max<std::size_t>(text.highest_insert, std::stoul((*at)[1]));
    }
    texts[std::stoi((*it)[1])] = text;
  }
  return texts;
}

std::string name_of(EventSeverity severity) {
  return severity == EventSeverity::informational ? "Informational"
         : severity == EventSeverity::warning     ? "Warning"
                                                  : "Error";
}

std::string sha256_of(const std::string& bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  return to_hex({reinterpret_cast<const char*>(digest), size});
}

TEST(EventMessages, every_kind_has_its_text_with_as_many_inserts) {
  const auto texts = texts_in_messages_mc();
  EXPECT_EQ(texts.size(), event_kinds().size());
  for (const auto& kind : event_kinds()) {
    ASSERT_TRUE(texts.contains(kind.id)) << kind.id;
    const auto& text = texts.at(kind.id);
    EXPECT_EQ(text.symbol, kind.symbol);
    EXPECT_EQ(text.severity, name_of(kind.severity)) << kind.id;
    EXPECT_EQ(text.highest_insert, kind.inserts) << kind.id;
  }
}

// Whoever changes a text raises the version in messages.mc and writes both here: Windows Installer replaces the library
// of them only for a higher one.
TEST(EventMessages, texts_that_change_get_another_version) {
  const auto file = source_file("service/event_log/messages.mc");
  std::smatch version;
  ASSERT_TRUE(std::regex_search(file, version, std::regex(R"(; Version: ([0-9.]+))")));
  const auto texts = file.substr(file.find("MessageIdTypedef"));
  EXPECT_EQ(version[1].str() + " " + sha256_of(texts),
            "1.2.0 5F470D6DFCC9653E0661827634F3212E4F78BBD8B58EB86256230EFCFA732E24");
}

TEST(EventMessages, the_readme_lists_every_kind) {
  const auto readme = source_file("service/README.md");
  for (const auto& kind : event_kinds()) {
    const auto row = "| " + std::to_string(kind.id) + " | " + name_of(kind.severity) + " |";
    EXPECT_NE(readme.find(row), std::string::npos) << row;
  }
}

v1::JournalEntry entry_with(std::uint64_t seq, std::uint64_t incident) {
  v1::JournalEntry entry;
  entry.set_seq(seq);
  entry.set_incident_id(incident);
  return entry;
}

TEST(EventMessages, an_opened_incident_names_fault_summary_incident_and_entry) {
  auto entry = entry_with(7, 7);
  entry.set_fault_id("certificate_expired");
  entry.mutable_incident_opened()->mutable_diagnosis()->set_summary("it has expired");
  const auto message = to_event(entry);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind->id, 200);
  EXPECT_THAT(message->inserts, ElementsAre("certificate_expired", "it has expired", "7", "7"));
}

TEST(EventMessages, outcomes_of_a_repair_have_ids_of_their_own) {
  const std::pair<v1::RepairEnded::Outcome, int> outcomes[] = {{v1::RepairEnded::OUTCOME_REPAIRED, 203},
                                                               {v1::RepairEnded::OUTCOME_ROLLED_BACK, 204},
                                                               {v1::RepairEnded::OUTCOME_ROLLBACK_BLOCKED, 205}};
  for (const auto& [outcome, id] : outcomes) {
    auto entry = entry_with(9, 7);
    entry.mutable_repair_ended()->set_outcome(outcome);
    const auto message = to_event(entry);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->kind->id, id);
    EXPECT_EQ(message->inserts[2], "7");
  }
}

TEST(EventMessages, states_that_need_a_human_or_end_an_incident_are_told_and_others_are_not) {
  const std::map<v1::IncidentState, int> told{{v1::INCIDENT_STATE_AWAITING_APPROVAL, 201},
                                              {v1::INCIDENT_STATE_ESCALATED, 206},
                                              {v1::INCIDENT_STATE_DISMISSED, 207},
                                              {v1::INCIDENT_STATE_CLEARED, 208}};
  for (int state = v1::IncidentState_MIN; state <= v1::IncidentState_MAX; ++state) {
    auto entry = entry_with(9, 7);
    entry.mutable_incident_state_changed()->set_to(static_cast<v1::IncidentState>(state));
    const auto message = to_event(entry);
    const auto expected = told.find(static_cast<v1::IncidentState>(state));
    ASSERT_EQ(message.has_value(), expected != told.end()) << state;
    if (message) {
      EXPECT_EQ(message->kind->id, expected->second);
    }
  }
}

TEST(EventMessages, a_degraded_start_is_a_warning_with_the_reasons) {
  auto entry = entry_with(1, 0);
  entry.mutable_service_started()->set_version("1.2.3");
  entry.mutable_service_started()->set_host_name("host");
  EXPECT_EQ(to_event(entry)->kind->id, 100);
  entry.mutable_service_started()->add_degraded("a bad rule");
  const auto message = to_event(entry);
  EXPECT_EQ(message->kind->id, 101);
  EXPECT_THAT(message->inserts, ElementsAre("1.2.3", "host", "1", "a bad rule"));
}

// Who watches for defects of rdpmend must not be woken by a host that denies a look, or by a full disk.
TEST(EventMessages, only_defects_of_rdpmend_are_internal_errors) {
  auto defect = entry_with(9, 0);
  defect.mutable_internal_error()->set_what("no such fact");
  EXPECT_EQ(to_event(defect)->kind->id, 104);
  auto look = entry_with(9, 0);
  look.set_fault_id("clock_wrong");
  look.mutable_look_failed()->set_reason("no answer");
  EXPECT_EQ(to_event(look)->kind->id, 106);
  EXPECT_THAT(to_event(look)->inserts, ElementsAre("clock_wrong", "no answer", "9"));
  auto trouble = entry_with(9, 0);
  trouble.mutable_service_trouble()->set_part("rpc");
  trouble.mutable_service_trouble()->set_what("the port is in use");
  EXPECT_EQ(to_event(trouble)->kind->id, 107);
  EXPECT_THAT(to_event(trouble)->inserts, ElementsAre("rpc", "the port is in use", "9"));
  EXPECT_EQ(journal_trouble("the disk is full").kind->id, 107);
}

TEST(EventMessages, tell_of_what_is_lent_by_whom_until_when_and_how_it_ended) {
  auto begun = entry_with(9, 0);
  auto& loan = *begun.mutable_loan_begun()->mutable_loan();
  loan.mutable_step()->set_description("set X to 0");
  loan.set_asked_by("anna");
  loan.set_why("ticket 7");
  loan.mutable_ends()->set_seconds(1'772'366'460);
  EXPECT_EQ(to_event(begun)->kind->id, 400);
  EXPECT_THAT(to_event(begun)->inserts, ElementsAre("set X to 0", "anna", "2026-03-01T12:01:00.000Z", "ticket 7", "9"));
  auto ended = entry_with(9, 0);
  ended.mutable_loan_ended()->set_outcome(v1::LoanEnded::OUTCOME_BLOCKED);
  ended.mutable_loan_ended()->set_reason("it is 7, not 0");
  EXPECT_EQ(to_event(ended)->kind->id, 403);
  EXPECT_EQ(to_event(ended)->kind->severity, EventSeverity::error);
  auto overdue = entry_with(9, 0);
  overdue.mutable_loan_overdue()->set_error("access is denied");
  EXPECT_EQ(to_event(overdue)->kind->id, 404);
}

TEST(EventMessages, every_message_has_as_many_inserts_as_its_kind) {
  std::vector<v1::JournalEntry> entries(15, entry_with(9, 7));
  entries[0].mutable_service_started();
  entries[1].mutable_service_stopped();
  entries[2].mutable_event_gap();
  entries[3].mutable_internal_error();
  entries[4].mutable_admin_action();
  entries[5].mutable_incident_opened();
  entries[6].mutable_repair_started();
  entries[7].mutable_service_started()->add_degraded("x");
  entries[8].mutable_look_failed();
  entries[9].mutable_service_trouble();
  entries[10].mutable_loan_begun();
  entries[11].mutable_loan_rescheduled();
  entries[12].mutable_loan_overdue();
  entries[13].mutable_loan_ended()->set_outcome(v1::LoanEnded::OUTCOME_RETURNED);
  entries[14].mutable_loan_ended()->set_outcome(v1::LoanEnded::OUTCOME_BLOCKED);
  for (const auto& entry : entries) {
    const auto message = to_event(entry);
    ASSERT_TRUE(message) << entry.ShortDebugString();
    EXPECT_EQ(message->inserts.size(), message->kind->inserts) << entry.ShortDebugString();
  }
  EXPECT_EQ(could_not_start({}).inserts.size(), could_not_start({}).kind->inserts);
}

}  // namespace
}  // namespace rdpmend
