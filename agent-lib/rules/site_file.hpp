// A site's own rules, written by hand: whatever is wrong is said at once, with its line, and the good rules count.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/rules/rule_check.hpp"
#include "rdpmend/v1/catalog.pb.h"

namespace rdpmend {

// What is kept and said of a file, however much is wrong with it.
inline constexpr std::size_t k_max_site_problems = 20;
inline constexpr std::size_t k_max_site_problem_bytes = 500;

struct SiteFile {
  std::vector<v1::Rule> rules;              // The good ones.
  std::vector<v1::RuleOverride> overrides;  // The good ones, of known rules or of those above.
  std::vector<std::string> problems;  // "name:line:column: message", in file order; the first ones, then how many more.
};

// Text that is no textproto of SiteRuleFile gives problems only: half a file may mean something else than the whole.
SiteFile read_site_file(const std::string& name, std::string_view textproto, KnownIds known);

}  // namespace rdpmend
