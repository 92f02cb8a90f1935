// What the journal implies: incidents, their repairs, the counts that policy needs, and how the healthy host was.
// Changed by entries only, so that replaying the journal gives the same book.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent-lib/support/time.hpp"
#include "rdpmend/v1/journal.pb.h"

namespace rdpmend {

class IncidentBook {
 public:
  using Incidents = std::map<std::uint64_t, std::shared_ptr<const v1::Incident>>;

  // Entries must come in the order of their numbers. What an entry about an unknown incident says is ignored.
  void apply(const v1::JournalEntry& entry);

  // Open ones and the newest closed ones (k_max_closed), by id.
  const Incidents& incidents() const { return incidents_; }
  std::shared_ptr<const v1::Incident> find(std::uint64_t id) const;
  // The open incident of a fault and subject; at most one exists.
  std::shared_ptr<const v1::Incident> find_open(const std::string& fault_id, const std::string& subject) const;
  // A dismissed incident stands for its fault, which opens no new one, until the fault is seen gone.
  std::shared_ptr<const v1::Incident> find_dismissed(const std::string& fault_id, const std::string& subject) const;
  std::vector<std::shared_ptr<const v1::Incident>> open() const;

  // Repairs begun since then, of one fault.
  std::uint32_t repairs_since(const std::string& fault_id, WallTime since) const;
  std::optional<WallTime> last_repair(const std::string& fault_id) const;
  std::uint32_t failures_in_a_row() const { return failures_in_a_row_; }
  // The newest; empty: none was taken.
  const v1::Baseline& baseline() const { return baseline_; }
  // Whether a command with this id was carried out.
  bool knows_request(const std::string& request_id) const;

  // Everything above, for an entry from which a replay can begin.
  v1::Checkpoint checkpoint() const;

  static constexpr std::size_t k_max_closed = 200;
  static constexpr std::size_t k_max_requests = 1000;
  static constexpr std::size_t k_max_repairs = 1000;

 private:
  struct RepairStart {
    std::string fault_id;
    WallTime at;
  };

  void load(const v1::Checkpoint& checkpoint);
  void note_repair(const std::string& fault_id, WallTime at);
  void note_outcome(v1::RepairEnded::Outcome outcome);
  void note_request(const std::string& request_id);
  void forget_old_closed();

  Incidents incidents_;
  std::deque<RepairStart> repairs_;
  std::deque<std::string> requests_;
  std::uint32_t failures_in_a_row_ = 0;
  v1::Baseline baseline_;
};

}  // namespace rdpmend
