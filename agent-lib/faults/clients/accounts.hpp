// The accounts that events name, for evidence: as the log has them, hostile or not, and never too many.
#pragma once

#include <string>
#include <vector>

#include "agent-lib/rules/tally.hpp"

namespace rdpmend::faults::clients {

// In the order in which they were seen last, each once.
class Accounts {
 public:
  void add(const TallyGroup& group);

  bool none() const { return names_.empty(); }
  // Certainly no more than one.
  bool one() const { return names_.size() == 1 && !more_; }
  // "anna, bob", "anna, bob and more", "not named".
  std::string text() const;

 private:
  std::vector<std::string> names_;
  bool more_ = false;
};

// "1 in 1 h", "at least 40 in 1 d".
std::string how_often(std::uint64_t count, const TallySnapshot& tally);

}  // namespace rdpmend::faults::clients
