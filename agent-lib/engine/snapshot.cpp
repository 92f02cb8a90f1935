#include "agent-lib/engine/snapshot.hpp"

#include <utility>

#include "agent-lib/support/bounded.hpp"

namespace rdpmend {

Snapshots::Snapshots(const Ledger& ledger, const Policy& policy, std::vector<std::string> degraded)
    : ledger_(ledger), policy_(policy) {
  keep_first(degraded, k_max_degraded, k_max_degraded_bytes);
  known_.degraded = std::move(degraded);
  publish();
}

std::shared_ptr<const EngineSnapshot> Snapshots::newest() const {
  const std::lock_guard lock(mutex_);
  return newest_;
}

void Snapshots::publish() {
  noting([](EngineSnapshot&) {});
}

// The ledger is asked under our lock, so that what is older never replaces what is newer.
template <class Note>
void Snapshots::noting(Note note) {
  const std::lock_guard lock(mutex_);
  note(known_);
  auto next = std::make_shared<EngineSnapshot>(known_);
  ledger_.read([&](const IncidentBook& book) {
    next->incidents = book.incidents();
    next->breaker_open = policy_.breaker_open(book);
  });
  next->loans = ledger_.loans();
  newest_ = std::move(next);
}

void Snapshots::note_start(WallTime time) {
  noting([&](EngineSnapshot& known) { known.started = time; });
}
void Snapshots::note_sweep(WallTime time) {
  noting([&](EngineSnapshot& known) { known.last_sweep = time; });
}
void Snapshots::note_probe(const v1::ProbeReport& report) {
  noting([&](EngineSnapshot& known) { known.last_probe = report; });
}
void Snapshots::note_outside_probe(const v1::OutsideProbe& probe) {
  noting([&](EngineSnapshot& known) { known.last_outside_probe = probe; });
}
void Snapshots::note_health(v1::GetHealthResponse health, SteadyTime at) {
  noting([&](EngineSnapshot& known) {
    known.health = std::make_shared<const v1::GetHealthResponse>(std::move(health));
    known.health_at = at;
  });
}
void Snapshots::note_own_probe_events(std::uint64_t count) {
  noting([&](EngineSnapshot& known) { known.own_probe_events = count; });
}

}  // namespace rdpmend
