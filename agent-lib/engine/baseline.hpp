// How a healthy host is told from another, and what is kept of it: the service's own measure besides what Windows
// ships.
#pragma once

#include "agent-lib/host/host.hpp"
#include "agent-lib/record/ledger.hpp"

namespace rdpmend {

// How the host is now, without `seen`. For guarded(): what cannot be read throws, as need() does.
v1::Baseline read_baseline(const HostView& host);

// Records it as seen now, where it tells anything new (journal.proto, BaselineTaken).
Status record_baseline(Ledger& ledger, v1::Baseline baseline, WallTime now);
}  // namespace rdpmend
