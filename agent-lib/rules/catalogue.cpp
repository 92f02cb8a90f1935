#include "agent-lib/rules/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/rules/fault_order.hpp"
#include "agent-lib/rules/site_file.hpp"

namespace rdpmend {

namespace embedded {
// One serialized v1::FaultFile each; made from faults/*/rules.textproto while building.
const std::vector<std::string_view>& fault_files();
}  // namespace embedded

Catalogue Catalogue::built_in() {
  Catalogue catalogue;
  for (const auto bytes : embedded::fault_files()) {
    v1::FaultFile file;
    // The build has checked them against the schema, and a test against rule_check.
    if (!file.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) continue;
    catalogue.faults_.push_back(file.fault());
    catalogue.rules_.insert(catalogue.rules_.end(), file.rules().begin(), file.rules().end());
  }
  catalogue.faults_ = masks_first(std::move(catalogue.faults_));
  return catalogue;
}

std::vector<std::string> Catalogue::merge_site_file(const std::string& name, std::string_view textproto) {
  KnownIds known;
  for (const auto& fault : faults_) known.faults.insert(fault.id());
  for (const auto& rule : rules_) known.rules.insert(rule.id());
  auto site = read_site_file(name, textproto, std::move(known));
  for (auto& rule : site.rules) {
    if (rules_.size() == k_max_rules) {
      site.problems.push_back(
          fmt::format("{}:1:1: more than {} rules in all; the rest is left out", name, k_max_rules));
      break;
    }
    rules_.push_back(std::move(rule));
  }
  for (const auto& change : site.overrides) apply(change);
  return std::move(site.problems);
}

void Catalogue::apply(const v1::RuleOverride& change) {
  const auto rule =
      std::find_if(rules_.begin(), rules_.end(), [&](const v1::Rule& one) { return one.id() == change.rule_id(); });
  if (rule == rules_.end()) return;
  if (change.disabled()) {
    rules_.erase(rule);
    return;
  }
  if (change.has_window()) *rule->mutable_window() = change.window();
  if (change.threshold() != 0) rule->set_threshold(change.threshold());
}

const v1::FaultInfo* Catalogue::find_fault(std::string_view id) const {
  const auto found =
      std::find_if(faults_.begin(), faults_.end(), [&](const v1::FaultInfo& fault) { return fault.id() == id; });
  return found == faults_.end() ? nullptr : &*found;
}

std::vector<const v1::Rule*> Catalogue::rules_for(std::string_view fault_id) const {
  std::vector<const v1::Rule*> found;
  for (const auto& rule : rules_) {
    if (std::find(rule.faults().begin(), rule.faults().end(), fault_id) != rule.faults().end()) found.push_back(&rule);
  }
  return found;
}

}  // namespace rdpmend
