// The journal and the book that it implies, kept in step: an entry is applied to the book only once it is durable.
// The one writer of the journal. Thread-safe: the engine, the worker and the service around them record through it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "agent-lib/host/clock.hpp"
#include "agent-lib/record/incident_book.hpp"
#include "agent-lib/record/journal.hpp"
#include "agent-lib/record/loan_book.hpp"

namespace rdpmend {

class Ledger {
 public:
  Ledger(Journal& journal, const Clock& clock);

  // Reads everything since the last checkpoint.
  Status replay();

  // Completes the entries' heads (the host's time; the fault and subject of their incident), makes them durable,
  // applies them. All or nothing.
  Status record(std::vector<v1::JournalEntry> entries, const std::optional<Bookmark>& bookmark = std::nullopt);
  // One entry about an incident (0: about none). `fill` sets the body.
  Status record(std::uint64_t incident_id, const std::function<void(v1::JournalEntry&)>& fill);
  // Opens an incident and returns its id.
  Result<std::uint64_t> open_incident(const v1::Diagnosis& diagnosis, const v1::Signal& signal);

  // Looks at the book; the function must be short and must not record.
  template <class F>
  auto read(F&& look) const {
    const std::lock_guard lock(mutex_);
    return look(static_cast<const IncidentBook&>(book_));
  }
  // Nothing is recorded where the incident is in that state for that reason already. A failure is logged here.
  Status set_state(std::uint64_t incident_id, v1::IncidentState to, const std::string& reason);
  std::shared_ptr<const v1::Incident> incident(std::uint64_t id) const;
  // The running ones, the oldest first.
  std::vector<v1::Loan> loans() const;

  // Writes a checkpoint and prunes, if age or size asks for it.
  Status prune_if_due();

  // Called after each change of the book, outside the lock.
  void set_on_change(std::function<void()> on_change) { on_change_ = std::move(on_change); }

 private:
  void apply(const v1::JournalEntry& entry);  // Under the lock, as complete_head().
  void complete_head(v1::JournalEntry& entry) const;
  Status write(std::vector<v1::JournalEntry>& entries, const std::optional<Bookmark>& bookmark = std::nullopt);

  Journal& journal_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  IncidentBook book_;
  LoanBook loans_;
  std::function<void()> on_change_;
};

}  // namespace rdpmend
