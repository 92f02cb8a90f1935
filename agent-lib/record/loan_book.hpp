// The loans that the journal implies: those that run. Changed by entries only, as the incident book beside it.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "rdpmend/v1/journal.pb.h"

namespace rdpmend {

class LoanBook {
 public:
  // Entries must come in the order of their numbers. What an entry about an unknown loan says is ignored.
  void apply(const v1::JournalEntry& entry);
  // The oldest first.
  std::vector<v1::Loan> running() const;

 private:
  void load(const v1::Checkpoint& checkpoint);

  std::map<std::uint64_t, v1::Loan> running_;
};

}  // namespace rdpmend
