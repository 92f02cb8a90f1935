// The hash chain of the journal, in one place for every store and for everybody who checks one: what is hashed are the
// bytes that were written (see StoredEntry in journal.proto).
#pragma once

#include <cstdint>
#include <string>

#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/journal.pb.h"

namespace rdpmend {

// 32 zero bytes: what comes before the first entry.
std::string journal_genesis_hash();

// A place in the chain: the entry that the next one follows. Of an empty journal: number 0.
struct ChainLink {
  std::uint64_t seq = 0;
  std::string hash = journal_genesis_hash();
};

// Completes the entry with the number that follows `last`, and an entry that opens an incident with the incident's id;
// the answer is what a store keeps of it. internal: it could not be read back, which would cost the whole journal.
Result<v1::StoredEntry> seal_entry(v1::JournalEntry& entry, const ChainLink& last);

ChainLink link_of(const v1::StoredEntry& entry);

// What is wrong with an entry that is said to follow `last`; empty: nothing, and `last` moves on to it. Whoever has no
// beginning starts with the link of an entry that it trusts.
std::string check_link(const v1::StoredEntry& entry, ChainLink& last);

// What was written. corrupt: its content cannot be read.
Result<v1::JournalEntry> read_entry(const v1::StoredEntry& entry);

}  // namespace rdpmend
