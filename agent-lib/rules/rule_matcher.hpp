// Which rules an event matches.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent-lib/events/event_record.hpp"
#include "rdpmend/v1/catalog.pb.h"

namespace rdpmend {

struct RuleMatch {
  const v1::Rule* rule = nullptr;
  std::map<std::string, std::string> captures;
};

class RuleMatcher {
 public:
  // Keeps pointers into `rules`, which must outlive it.
  explicit RuleMatcher(const std::vector<v1::Rule>& rules);
  std::vector<RuleMatch> match(const EventRecord& event) const;
  // (private index: by provider and event id)
 private:
};

}  // namespace rdpmend
