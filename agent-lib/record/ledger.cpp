#include "agent-lib/record/ledger.hpp"

#include "agent-lib/support/log.hpp"

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
    apply(**checkpoint);
    after = (*checkpoint)->seq();
  }
  for (;;) {
    auto page = journal_.read(after, k_replay_page);
    if (!page) return fail(std::move(page).error().context("cannot read the journal"));
    if (page->empty()) return {};
    for (const auto& entry : *page) apply(entry);
    after = page->back().seq();
  }
}

void Ledger::apply(const v1::JournalEntry& entry) {
  book_.apply(entry);
  loans_.apply(entry);
}

// The book knows what an incident is about; whoever records need not.
void Ledger::complete_head(v1::JournalEntry& entry) const {
  *entry.mutable_time() = to_proto(clock_.now());
  const auto about = [&](const v1::Diagnosis& diagnosis) {
    entry.set_fault_id(diagnosis.fault_id());
    entry.set_subject(diagnosis.subject());
  };
  if (entry.has_incident_opened()) return about(entry.incident_opened().diagnosis());
  if (entry.incident_id() == 0) return;
  if (const auto incident = book_.find(entry.incident_id())) about(incident->diagnosis());
}

Status Ledger::write(std::vector<v1::JournalEntry>& entries, const std::optional<Bookmark>& bookmark) {
  {
    const std::lock_guard lock(mutex_);
    for (auto& entry : entries) complete_head(entry);
    if (auto appended = journal_.append(entries, bookmark); !appended) {
      return fail(std::move(appended).error().context("cannot write the journal"));
    }
    for (const auto& entry : entries) apply(entry);
  }
  if (on_change_) on_change_();
  return {};
}

Status Ledger::record(std::vector<v1::JournalEntry> entries, const std::optional<Bookmark>& bookmark) {
  return write(entries, bookmark);
}

Status Ledger::record(std::uint64_t incident_id, const std::function<void(v1::JournalEntry&)>& fill) {
  std::vector<v1::JournalEntry> entries(1);
  entries[0].set_incident_id(incident_id);
  fill(entries[0]);
  return write(entries);
}

Result<std::uint64_t> Ledger::open_incident(const v1::Diagnosis& diagnosis, const v1::Signal& signal) {
  std::vector<v1::JournalEntry> entries(1);
  *entries[0].mutable_incident_opened()->mutable_diagnosis() = diagnosis;
  *entries[0].mutable_incident_opened()->mutable_signal() = signal;
  if (auto written = write(entries); !written) return fail(std::move(written).error());
  return entries[0].incident_id();
}

Status Ledger::set_state(std::uint64_t incident_id, v1::IncidentState to, const std::string& reason) {
  const auto now = incident(incident_id);
  if (now == nullptr || (now->state() == to && now->reason() == reason)) return {};
  auto recorded = record(incident_id, [&](v1::JournalEntry& entry) {
    auto& change = *entry.mutable_incident_state_changed();
    change.set_from(now->state());
    change.set_to(to);
    change.set_reason(reason);
  });
  if (!recorded) log::error("incident {} cannot be recorded: {}", incident_id, to_string(recorded.error()));
  return recorded;
}

std::shared_ptr<const v1::Incident> Ledger::incident(std::uint64_t id) const {
  return read([id](const IncidentBook& book) { return book.find(id); });
}

std::vector<v1::Loan> Ledger::loans() const {
  const std::lock_guard lock(mutex_);
  return loans_.running();
}

Status Ledger::prune_if_due() {
  if (!journal_.wants_pruning(clock_.now())) return {};
  std::vector<v1::JournalEntry> entries(1);
  *entries[0].mutable_checkpoint() = read([](const IncidentBook& book) { return book.checkpoint(); });
  for (auto& loan : loans()) *entries[0].mutable_checkpoint()->add_loans() = std::move(loan);
  if (auto written = write(entries); !written) return written;
  return journal_.prune(clock_.now(), entries[0].seq());
}

}  // namespace rdpmend
