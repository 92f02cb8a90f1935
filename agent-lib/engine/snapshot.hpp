// What the rest of the service may look at, at any time and from any thread: an immutable picture of the engine's
// state, made anew whenever something in it changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent-lib/engine/policy.hpp"
#include "agent-lib/record/ledger.hpp"
#include "rdpmend/v1/agent.pb.h"

namespace rdpmend {

struct EngineSnapshot {
  std::map<std::uint64_t, std::shared_ptr<const v1::Incident>>
      incidents;  // Open ones and the newest closed ones, by id.
  bool breaker_open = false;
  std::vector<v1::Loan> loans;  // The running ones.
  WallTime started{};
  std::optional<WallTime> last_sweep;
  std::optional<v1::ProbeReport> last_probe;           // Of the host's own address.
  std::optional<v1::OutsideProbe> last_outside_probe;  // The newest that a client told of.
  std::vector<std::string> degraded;
  std::shared_ptr<const v1::GetHealthResponse> health;  // Of the newest look at everything. nullptr: none yet.
  SteadyTime health_at{};                               // When that was over.
  std::uint64_t own_probe_events = 0;                   // Of the service's own probes: matched by a rule, and left out.
};

// Of EngineSnapshot::degraded, which is journalled at each start and answered with each status.
inline constexpr std::size_t k_max_degraded = 100;
inline constexpr std::size_t k_max_degraded_bytes = 1000;

// Makes the snapshots. Thread-safe; ledger and policy outlive it.
class Snapshots {
 public:
  // With a first one: nothing is known yet.
  Snapshots(const Ledger& ledger, const Policy& policy, std::vector<std::string> degraded);

  std::shared_ptr<const EngineSnapshot> newest() const;

  // The ledger has changed.
  void publish();
  void note_start(WallTime time);
  void note_sweep(WallTime time);
  void note_probe(const v1::ProbeReport& report);
  void note_outside_probe(const v1::OutsideProbe& probe);
  void note_health(v1::GetHealthResponse health, SteadyTime at);
  void note_own_probe_events(std::uint64_t count);

 private:
  template <class Note>
  void noting(Note note);

  const Ledger& ledger_;
  const Policy& policy_;
  mutable std::mutex mutex_;
  EngineSnapshot known_;  // All but what the ledger says.
  std::shared_ptr<const EngineSnapshot> newest_;
};

}  // namespace rdpmend
