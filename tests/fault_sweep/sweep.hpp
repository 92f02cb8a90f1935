// Runs a scenario to its end, over as many ends of the world as it takes, and says whether the host is in a state that
// may be left behind.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent-lib/sim/memory_journal.hpp"
#include "agent-lib/sim/sim_host.hpp"

namespace rdpmend::test {

class Sweep {
 public:
  // The host as it is with the fault present and nobody at work on it yet.
  Sweep(const std::string& scenario, std::uint64_t seed);

  sim::SimHost& host() { return *host_; }
  sim::MemoryJournal& journal() { return journal_; }

  // Until the incident has settled; a crash starts the engine again on the same host and journal.
  void run();
  // Only until the first crash, if there is one.
  void run_until_crash() { run_once(); }
  int crashes() const { return crashes_; }

  // Empty: the host is as it was, or verified repaired, or the incident says why it could not be put back. Else what is
  // wrong.
  std::string complaint();

 private:
  // true: settled.
  bool run_once();

  std::string fault_id_;
  std::unique_ptr<sim::SimHost> host_;
  sim::MemoryJournal journal_;
  std::string initial_;
  int crashes_ = 0;
};

}  // namespace rdpmend::test
