// Follows a rehearsal's journal until its host is healed, or until it is clear that it will not be.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "agent-lib/record/incident_book.hpp"
#include "agent-lib/record/journal.hpp"
#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/probe.pb.h"

namespace rdpmend {

struct Healing {
  bool healed = false;
  std::string why;  // One line for people.
};

class HealingWatch {
 public:
  // Makes one handshake from outside and says what is wrong with what the host served; empty: nothing.
  using Probe = std::function<std::string()>;
  // `fault_ids`: what the scenario rehearses; empty: nothing is expected to break.
  HealingWatch(const Journal& journal, std::set<std::string> fault_ids, Probe probe);

  // Reads what is new in the journal; the answer, once there is one.
  std::optional<Healing> look();

 private:
  std::optional<Healing> judge(const v1::JournalEntry& entry);
  std::optional<Healing> judge(const v1::Incident& incident);
  // The incident is over, and with it what the scenario rehearses, unless another one is open or not yet found.
  std::optional<Healing> over(const v1::Incident& incident, const std::string& how);
  Healing prove(const std::string& what);

  const Journal& journal_;
  std::set<std::string> awaited_;  // Rehearsed faults that no incident has told of yet.
  const std::set<std::string> fault_ids_;
  const Probe probe_;
  std::uint64_t cursor_ = 0;
  IncidentBook book_;
};

// What is wrong with an outside probe of the host at `now` of its own clock; empty: nothing.
std::string fault_of(const v1::ProbeReport& report, WallTime now);

}  // namespace rdpmend
