#include "agent-lib/record/ledger.hpp"

namespace rdpmend {

namespace {
constexpr std::size_t k_replay_page = 500;
}

Ledger::Ledger(Journal& journal, const Clock& clock) : journal_(journal), clock_(clock) {}

Status Ledger::replay() {
  const std::lock_guard lock(mutex_);
  auto checkpoint = journal_.last_checkpoint();
  if (!checkpoint) return fail(std::move(checkpoint).error().context("cannot read the journal"));
  std::uint64_t after = 0;
  if (*checkpoint) {
    book_.apply(**checkpoint);
    after = (*checkpoint)->seq();
  }
  for (;;) {
    auto page = journal_.read(after, k_replay_page);
    if (!page) return fail(std::move(page).error().context("cannot read the journal"));
    if (page->empty()) return {};
    for (const auto& entry : *page) book_.apply(entry);
    after = page->back().seq();
  }
}

Status Ledger::record(std::vector<v1::JournalEntry> entries, const std::optional<Bookmark>& bookmark) {
  {
    const std::lock_guard lock(mutex_);
    for (auto& entry : entries) *entry.mutable_time() = to_proto(clock_.now());
    if (auto appended = journal_.append(entries, bookmark); !appended) {
      return fail(std::move(appended).error().context("cannot write the journal"));
    }
    for (const auto& entry : entries) book_.apply(entry);
  }
  if (on_change_) on_change_();
  return {};
}

Status Ledger::record(std::uint64_t incident_id, const std::function<void(v1::JournalEntry&)>& fill) {
  std::vector<v1::JournalEntry> entries(1);
  entries[0].set_incident_id(incident_id);
  fill(entries[0]);
  return record(std::move(entries));
}

Result<std::uint64_t> Ledger::open_incident(const v1::Diagnosis& diagnosis, const v1::Signal& signal) {
  const auto recorded = record(0, [&](v1::JournalEntry& entry) {
    *entry.mutable_incident_opened()->mutable_diagnosis() = diagnosis;
    *entry.mutable_incident_opened()->mutable_signal() = signal;
  });
  if (!recorded) return fail(recorded.error());
  const auto incident =
      read([&](const IncidentBook& book) { return book.find_open(diagnosis.fault_id(), diagnosis.subject()); });
  return incident->id();
}

Status Ledger::set_state(std::uint64_t incident_id, v1::IncidentState to, const std::string& reason) {
  const auto now = incident(incident_id);
  if (now == nullptr || (now->state() == to && now->reason() == reason)) return {};
  return record(incident_id, [&](v1::JournalEntry& entry) {
    auto& change = *entry.mutable_incident_state_changed();
    change.set_from(now->state());
    change.set_to(to);
    change.set_reason(reason);
  });
}

std::shared_ptr<const v1::Incident> Ledger::incident(std::uint64_t id) const {
  return read([id](const IncidentBook& book) { return book.find(id); });
}

Status Ledger::prune_if_due() {
  if (!journal_.wants_pruning(clock_.now())) return {};
  std::vector<v1::JournalEntry> entries(1);
  *entries[0].mutable_checkpoint() = read([](const IncidentBook& book) { return book.checkpoint(); });
  if (auto recorded = record(entries); !recorded) return recorded;
  const auto checkpoint = journal_.last_checkpoint();
  if (!checkpoint) return fail(checkpoint.error());
  return journal_.prune(clock_.now(), (*checkpoint)->seq());
}

}  // namespace rdpmend
