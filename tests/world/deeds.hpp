// What the world does to a host and to the service on it: deeds, drawn from a seed before anything runs, so that any of
// them can be left out and the rest stay what they are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent-lib/support/time.hpp"

namespace rdpmend::world {

struct Deed {
  enum class Kind {
    breakage,    // What a built-in scenario does to a host.
    mend,        // Somebody puts a part of the host in order.
    edit,        // Somebody changes what is none of the service's business, or just what it is about.
    meddling,    // Somebody changes something right after a repair has said what it is about to write.
    command,     // An administrator's.
    wrong_call,  // One of the next changes of the host goes wrong.
    crash,       // The service ends after one of its next journal writes.
    restart,     // The service is stopped and started.
    clock,       // The clock jumps, or is right again, or cannot be compared.
    event_log,   // The event log service restarts, or a subscription falls silent.
    full_disk,   // The journal cannot be written for a while.
    client,      // A client tries to connect.
    pruning,     // The journal asks for pruning, or no longer.
  };
  static constexpr int k_kinds = 13;

  std::size_t number = 0;  // By which it can be asked for again.
  Duration at{};           // Since the start.
  Kind kind{};
  std::uint64_t choice = 0;  // Decides about the rest.
};

std::string_view to_string(Deed::Kind kind);
std::string to_string(const Deed& deed);

std::vector<Deed> draw_deeds(std::uint64_t seed, Duration time);

}  // namespace rdpmend::world
