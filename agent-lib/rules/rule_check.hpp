// What a rule must be beyond its schema: the same checks for built-in rules and for a site's.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rdpmend/v1/catalog.pb.h"

namespace rdpmend {

inline constexpr int k_max_rule_event_ids = 256;
inline constexpr int k_max_rule_predicates = 32;
inline constexpr int k_max_rule_captures = 32;

// The way from a message to what is wrong in it, so that its line can be found.
struct FieldStep {
  std::string field;  // Name in the schema.
  int index = -1;     // Of a repeated field.
};

struct RuleProblem {
  std::vector<FieldStep> where;  // Empty: the message as a whole, for example because something is missing.
  std::string message;           // What is wrong and what to write instead.
};

struct KnownIds {
  std::set<std::string, std::less<>> faults;
  std::set<std::string, std::less<>> rules;
};

// Of one rule; how many more there are is the last one.
inline constexpr std::size_t k_max_rule_problems = 20;

std::vector<RuleProblem> check_rule(const v1::Rule& rule, const KnownIds& known);
std::vector<RuleProblem> check_override(const v1::RuleOverride& change, const KnownIds& known);
// One line each.
std::vector<std::string> check_faults(const std::vector<v1::FaultInfo>& faults, const std::vector<v1::Rule>& rules);

}  // namespace rdpmend
