// Runs a scenario to its end, over as many ends of the world as it takes, and judges what is left behind.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent-lib/record/incident_book.hpp"
#include "agent-lib/sim/memory_journal.hpp"
#include "agent-lib/sim/sim_host.hpp"

namespace rdpmend::test {

class Sweep {
 public:
  // The host as it is with the fault present and nobody at work on it yet.
  Sweep(const std::string& scenario, std::uint64_t seed);

  sim::SimHost& host() { return *host_; }
  sim::MemoryJournal& journal() { return journal_; }

  // The call with this number goes wrong.
  void arm(std::uint64_t call, sim::Injection injection);
  // Until every incident has settled; a crash starts the engine again on the same host and journal.
  void run();
  // Only until the first crash, if there is one.
  void run_until_crash() { run_once(); }
  int crashes() const { return crashes_; }

  // Empty: the scenario has ended as it expects. Where something was made to go wrong, also if what was begun has been
  // undone and the host is as it was, or could not be undone for a reason that names what went wrong, and then what
  // could be undone was. Else what is wrong.
  std::string complaint();

 private:
  // true: settled.
  bool run_once();
  bool disturbed() const { return crashes_ > 0 || injection_; }
  bool another_is_open(std::uint64_t incident_id) const;  // Which may be what keeps clients out.
  std::string complaint_about(const v1::Incident& incident) const;
  // What an entry or an incident says if it speaks of what was made to go wrong.
  bool names_what_went_wrong(const std::string& text) const;
  bool failure_is_journalled(std::uint64_t incident_id) const;
  // Lines that need not be as they were: of a repair that was proved, or of steps that could not be undone.
  std::vector<std::string> lines_that_may_differ(const IncidentBook& book) const;

  v1::Scenario scenario_;
  std::unique_ptr<sim::SimHost> host_;
  sim::MemoryJournal journal_;
  std::string initial_;
  std::uint64_t passes_before_ = 0;  // Of SessionEnv over the certificate.
  std::optional<sim::Injection> injection_;
  int crashes_ = 0;
};

}  // namespace rdpmend::test
