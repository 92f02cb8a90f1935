// The catalogue: the built-in faults and rules, embedded from the folder faults, plus the site's rules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/catalog.pb.h"

namespace rdpmend {

inline constexpr std::size_t k_max_rules = 1000;

class Catalogue {
 public:
  // What is compiled in.
  static Catalogue built_in();
  // Of faults with rules of their own, and rules that faults name in hinted_by.
  Catalogue(const std::vector<v1::FaultFile>& faults, const std::vector<v1::SignalFile>& signals);

  // Merges a site file's good rules and overrides; what is wrong with the others is returned, one line each,
  // "name:line:column: ...". A file that is no textproto of SiteRuleFile changes nothing. Merge before anyone keeps
  // pointers into rules().
  std::vector<std::string> merge_site_file(const std::string& name, std::string_view textproto);

  // In the order in which detection must run: what masks comes before what is masked.
  const std::vector<v1::FaultInfo>& faults() const { return faults_; }
  // Those in force: a rule that a site disabled is not there.
  const std::vector<v1::Rule>& rules() const { return rules_; }
  const v1::FaultInfo* find_fault(std::string_view id) const;
  std::vector<const v1::Rule*> rules_for(std::string_view fault_id) const;

 private:
  void point_rules_to_faults();
  void say_masks_from_one_side();
  void apply(const v1::RuleOverride& change);

  std::vector<v1::FaultInfo> faults_;
  std::vector<v1::Rule> rules_;
};

}  // namespace rdpmend
