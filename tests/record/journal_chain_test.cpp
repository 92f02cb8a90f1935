// The chain: what is hashed are the bytes that were written, so that honest entries of any version hold and changed
// ones do not.
#include "agent-lib/record/journal_chain.hpp"

#include <gmock/gmock.h>

#include <functional>

#include "tests/record/sealed_by_hand.hpp"

namespace rdpmend {
namespace {

using testing::HasSubstr;

v1::JournalEntry stop_because(const std::string& reason) {
  v1::JournalEntry entry;
  entry.mutable_time()->set_seconds(1'800'000'000);
  entry.mutable_service_stopped()->set_reason(reason);
  return entry;
}

std::vector<v1::StoredEntry> chain_of(int entries) {
  std::vector<v1::StoredEntry> chain;
  ChainLink last;
  for (int i = 1; i <= entries; ++i) {
    auto entry = stop_because(std::to_string(i));
    chain.push_back(seal_entry(entry, last).value());
    last = link_of(chain.back());
  }
  return chain;
}

// What is wrong with the chain; empty: it holds.
std::string problem_of(const std::vector<v1::StoredEntry>& chain, ChainLink last = {}) {
  for (const auto& entry : chain) {
    if (auto problem = check_link(entry, last); !problem.empty()) return problem;
  }
  return {};
}

TEST(JournalChain, SealsAsTheProtoFileSays) {
  auto entry = stop_because("SIGTERM");
  const auto content = entry.SerializeAsString();
  const auto sealed = seal_entry(entry, {41, std::string(32, 'h')}).value();
  const auto by_hand = test::sealed_by_hand(content, {41, std::string(32, 'h')});
  EXPECT_EQ(sealed.SerializeAsString(), by_hand.SerializeAsString());
  EXPECT_EQ(entry.seq(), 42U) << "the caller's entry is completed";
}

TEST(JournalChain, WhatWasSealedIsReadAgain) {
  auto entry = stop_because("SIGTERM");
  const auto sealed = seal_entry(entry, {41, std::string(32, 'h')}).value();
  EXPECT_EQ(read_entry(sealed).value().SerializeAsString(), entry.SerializeAsString());
}

TEST(JournalChain, AnOpeningEntryIsAboutTheIncidentThatItOpens) {
  v1::JournalEntry opening;
  opening.mutable_incident_opened();
  const auto sealed = seal_entry(opening, {6, std::string(32, 'h')}).value();
  EXPECT_EQ(opening.incident_id(), 7U);
  EXPECT_EQ(read_entry(sealed)->incident_id(), 7U);
}

TEST(JournalChain, AnEntryThatCouldNotBeReadBackIsNotSealed) {
  auto entry = stop_because("\xff is not UTF-8");
  EXPECT_EQ(seal_entry(entry, {}).error().code, ErrorCode::internal);
  EXPECT_EQ(entry.seq(), 0U);
}

TEST(JournalChain, HoldsFromItsBeginningAndFromAnyLinkThatIsTrusted) {
  const auto chain = chain_of(5);
  EXPECT_EQ(problem_of(chain), "");
  EXPECT_EQ(problem_of({chain.begin() + 2, chain.end()}, link_of(chain[1])), "");
  EXPECT_THAT(problem_of({chain.begin() + 2, chain.end()}), HasSubstr("entry 3 is the oldest"));
}

TEST(JournalChain, EntriesWithFieldsOfAnotherVersionHold) {
  std::vector<v1::StoredEntry> chain = chain_of(1);
  chain.push_back(test::sealed_by_hand(test::content_of_another_version(stop_because("2")), link_of(chain.back())));
  chain.push_back(
      test::sealed_by_hand(test::content_with_a_body_of_another_version(stop_because("")), link_of(chain.back())));
  auto next = stop_because("4");
  chain.push_back(seal_entry(next, link_of(chain.back())).value());
  EXPECT_EQ(problem_of(chain), "");

  const auto read = read_entry(chain[1]).value();
  EXPECT_EQ(read.service_stopped().reason(), "2");
  auto written_again = read;
  written_again.clear_seq();
  EXPECT_NE(written_again.SerializeAsString(), chain[1].content()) << "a hash over what was read would not hold";
}

struct Change {
  std::string name;
  std::function<void(v1::StoredEntry&)> change;
  std::string found_as;
};

TEST(JournalChain, EveryChangeIsFound) {
  const auto flip = [](std::string* bytes) { (*bytes)[bytes->size() / 2] ^= 1; };
  const std::vector<Change> changes{
      {"content", [&](auto& entry) { flip(entry.mutable_content()); }, "entry 3 was changed"},
      {"hash", [&](auto& entry) { flip(entry.mutable_hash()); }, "entry 3 was changed"},
      {"previous hash", [&](auto& entry) { flip(entry.mutable_previous_hash()); }, "entry 3 was changed"},
      {"number", [](auto& entry) { entry.set_seq(4); }, "entry 4 does not follow entry 2"},
      {"another chain",
       [](auto& entry) {
         entry = test::sealed_by_hand(entry.content(), {2, std::string(32, 'x')});
       },
       "entry 3 was not written after the entry 2"},
  };
  for (const auto& [name, change, found_as] : changes) {
    auto chain = chain_of(5);
    change(chain[2]);
    EXPECT_THAT(problem_of(chain), HasSubstr(found_as)) << name;
  }
  auto chain = chain_of(5);
  chain.erase(chain.begin() + 2);
  EXPECT_THAT(problem_of(chain), HasSubstr("entry 4 does not follow entry 2"));
}

TEST(JournalChain, DamagedContentIsNamed) {
  v1::StoredEntry stored;
  stored.set_seq(7);
  stored.set_content("\xff\xff");
  const auto read = read_entry(stored);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::corrupt);
  EXPECT_THAT(read.error().what, HasSubstr("journal entry 7"));
}

}  // namespace
}  // namespace rdpmend
