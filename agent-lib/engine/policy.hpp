// What may be done about an open incident, and when: pure functions of configuration, catalogue, history and time.
#pragma once

#include <optional>
#include <string>

#include "agent-lib/record/incident_book.hpp"
#include "agent-lib/support/time.hpp"
#include "rdpmend/v1/catalog.pb.h"
#include "rdpmend/v1/config.pb.h"

namespace rdpmend {

struct Decision {
  enum class What {
    begin,     // Plan and repair now.
    propose,   // Plan, and wait for approval.
    wait,      // Later; `again` says when, if that is known.
    observe,   // Nothing but watching.
    escalate,  // A human is needed.
  };
  What what = What::observe;
  std::string reason;
  std::optional<WallTime> again;
};

class Policy {
 public:
  explicit Policy(v1::PolicyConfig config) : config_(std::move(config)) {}

  v1::FaultMode mode(const v1::FaultInfo& fault) const;
  bool may_drop_sessions_unasked(const std::string& fault_id) const;
  bool breaker_open(const IncidentBook& book) const;
  Duration sweep_interval() const;
  Duration approval_timeout() const;

  // For an incident in state open or rolled back.
  Decision decide(const v1::FaultInfo& fault, const v1::Incident& incident, const IncidentBook& book, WallTime now,
                  Duration utc_offset) const;

 private:
  const v1::FaultPolicy* find(const std::string& fault_id) const;
  std::uint32_t attempts_per_day(const std::string& fault_id) const;
  Duration cool_down(const std::string& fault_id) const;

  v1::PolicyConfig config_;
};

// Whether `now` (UTC) lies in a window; no windows: always.
bool in_repair_window(const v1::PolicyConfig& config, WallTime now, Duration utc_offset);
// The first minute from `now` on that lies in a window; nullopt: none within a week.
std::optional<WallTime> next_repair_window(const v1::PolicyConfig& config, WallTime now, Duration utc_offset);

}  // namespace rdpmend
