#include "agent-lib/record/journal.hpp"

#include "agent-lib/record/journal_chain.hpp"

namespace rdpmend {

Result<std::vector<v1::JournalEntry>> Journal::read(std::uint64_t after_seq, std::size_t max,
                                                    std::uint64_t incident_id) const {
  const auto stored = read_stored(after_seq, max, incident_id);
  if (!stored) return fail(stored.error());
  std::vector<v1::JournalEntry> entries;
  entries.reserve(stored->size());
  for (const auto& kept : *stored) {
    auto entry = read_entry(kept);
    if (!entry) return fail(std::move(entry).error().context("cannot read the journal"));
    entries.push_back(std::move(*entry));
  }
  return entries;
}

}  // namespace rdpmend
