// The hash chain of the journal, in one place for every store.
#pragma once

#include <string>

#include "rdpmend/v1/journal.pb.h"

namespace rdpmend {

// 32 zero bytes: what comes before the first entry.
std::string journal_genesis_hash();
// SHA-256(previous || big-endian seq || the entry serialized without seq, previous_hash and hash). 32 bytes.
std::string journal_hash(const std::string& previous, const v1::JournalEntry& entry);
// Sets seq, previous_hash and hash.
void seal_entry(v1::JournalEntry& entry, std::uint64_t seq, const std::string& previous);

}  // namespace rdpmend
