// Which rules an event matches.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent-lib/events/event_record.hpp"
#include "rdpmend/v1/catalog.pb.h"

namespace rdpmend {

// A longer value is cut: captures go to the journal, and whoever fills a field may be hostile.
inline constexpr std::size_t k_max_capture_bytes = 1024;

struct RuleMatch {
  const v1::Rule* rule = nullptr;
  std::map<std::string, std::string> captures;  // Fields that the event does not have are absent.
};

class RuleMatcher {
 public:
  // Keeps pointers into `rules`, which must outlive it.
  explicit RuleMatcher(const std::vector<v1::Rule>& rules);
  // In the order of the rules. An event without Channel (some exports and collectors drop it) matches by the rest.
  std::vector<RuleMatch> match(const EventRecord& event) const;

 private:
  // Few events have an id that any rule asks for: most are decided by this look-up, which allocates nothing.
  std::unordered_map<std::uint32_t, std::vector<const v1::Rule*>> by_event_id_;
};

}  // namespace rdpmend
