// What an entry does to the incident that it is about: the one place where the journal becomes incidents.
#pragma once

#include "rdpmend/v1/journal.pb.h"

namespace rdpmend {

// The incident as it is after an entry about it; an opening makes it out of an empty one. Entries must come in the
// order of their numbers.
v1::Incident folded(v1::Incident incident, const v1::JournalEntry& entry);

// Something of a repair may be on the host and has not been undone.
bool has_written(const v1::Repair& repair);

}  // namespace rdpmend
