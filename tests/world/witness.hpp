// Sees every journal entry and every line of the host that changes, and says what must never be: a write without a
// durable intent, a change that no step speaks of, an undoing that leaves something behind, the same said twice.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent-lib/record/incident_book.hpp"
#include "agent-lib/record/journal.hpp"
#include "agent-lib/sim/memory_journal.hpp"
#include "agent-lib/sim/sim_host.hpp"
#include "tests/engine/expectation.hpp"

namespace rdpmend::world {

class Witness final : public Journal {
 public:
  explicit Witness(sim::SimHost& host);

  // What the service did up to now is looked at; what comes until rest() is the world's or the host's own.
  void look();
  void rest();
  // Empty: nothing was wrong so far.
  const std::vector<std::string>& complaints() const { return complaints_; }
  void complain(std::string what);
  // The host differs from what it would be without the service only in what a repair did that stands, that could not be
  // undone, or that is under way.
  void check_as_it_was();
  // Somebody does this as soon as a step is intended, and before it is taken. nullptr: nobody does.
  void meddle(std::function<void()> how) { meddling_ = std::move(how); }

  sim::MemoryJournal& memory() { return journal_; }
  const IncidentBook& book() const { return book_; }
  std::uint64_t entries(v1::JournalEntry::BodyCase body) const;
  std::uint64_t entries() const { return all_entries_; }
  std::uint64_t ended(v1::RepairEnded::Outcome outcome) const;  // Repairs, in this way.

  // --- Journal ---
  Status append(std::vector<v1::JournalEntry>& entries, const std::optional<Bookmark>& bookmark) override;
  Result<std::vector<v1::StoredEntry>> read_stored(std::uint64_t after_seq, std::size_t max,
                                                   std::uint64_t incident_id) const override {
    return journal_.read_stored(after_seq, max, incident_id);
  }
  Result<std::optional<v1::JournalEntry>> last_checkpoint() const override { return journal_.last_checkpoint(); }
  Result<std::map<std::string, std::string>> bookmarks() const override { return journal_.bookmarks(); }
  JournalRange range() const override { return journal_.range(); }
  bool wants_pruning(WallTime now) const override { return journal_.wants_pruning(now); }
  Status prune(WallTime now, std::uint64_t keep_from_seq) override;
  void set_listener(std::function<void(std::uint64_t)> listener) override {
    journal_.set_listener(std::move(listener));
  }

 private:
  struct RepairStart {
    std::uint64_t seq = 0;
    test::Lines lines;  // The host at that moment.
  };

  void note(const v1::JournalEntry& entry);
  void note_new_entries();
  void note_end(const v1::JournalEntry& entry);
  void attribute_changes();
  template <class Visit>
  void for_each_step_in_hand(Visit visit) const;
  void check_calls();
  void check_repetition(const v1::JournalEntry& entry);
  void check_undone(const v1::Incident& incident);
  bool is_intended(const std::string& call) const;

  sim::SimHost& host_;
  sim::MemoryJournal journal_;
  IncidentBook book_;
  std::uint64_t noted_ = 0;        // Number of the last entry that was looked at.
  std::size_t calls_checked_ = 0;  // Of the host's changes.
  std::uint64_t all_entries_ = 0;
  std::map<v1::JournalEntry::BodyCase, std::uint64_t> counts_;
  std::map<v1::RepairEnded::Outcome, std::uint64_t> ended_;
  std::map<std::uint64_t, std::string> last_said_;  // By incident; 0: about none.
  std::map<std::uint64_t, RepairStart> at_start_;   // By incident.
  std::set<std::uint64_t> ordered_back_;            // Incidents whose last repair an administrator wants undone.
  std::set<std::string> left_;                      // What repairs that stand or could not be undone may have changed.
  std::uint64_t passes_seen_ = 0;                   // Of SessionEnv, at the last look or rest.
  std::string seen_text_;                           // The host at the last look or rest,
  test::Lines seen_;                                // and its lines.
  test::Lines untouched_;                           // The host as if the service had written nothing.
  std::function<void()> meddling_;
  std::vector<std::string> complaints_;
};

}  // namespace rdpmend::world
