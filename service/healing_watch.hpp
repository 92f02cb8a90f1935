// Follows a rehearsal's journal until its host is healed, or until it is clear that it will not be.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
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
  // `fault_id`: what the scenario rehearses; empty: nothing is expected to break.
  HealingWatch(const Journal& journal, std::string fault_id, Probe probe);

  // Reads what is new in the journal; the answer, once there is one.
  std::optional<Healing> look();

 private:
  std::optional<Healing> judge(const v1::JournalEntry& entry);
  std::optional<Healing> judge(const v1::Incident& incident);
  Healing prove(const std::string& what);

  const Journal& journal_;
  const std::string fault_id_;
  const Probe probe_;
  std::uint64_t cursor_ = 0;
  IncidentBook book_;
};

// What is wrong with an outside probe of the host at `now` of its own clock; empty: nothing.
std::string fault_of(const v1::ProbeReport& report, WallTime now);

}  // namespace rdpmend
