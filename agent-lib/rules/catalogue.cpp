#include "agent-lib/rules/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/rules/fault_order.hpp"
#include "agent-lib/rules/site_file.hpp"

namespace rdpmend {

namespace embedded {
// One serialized v1::FaultFile or v1::SignalFile each; made from faults/*/*/fault.textproto and
// faults/signals/*.textproto while building, which checks them against the schema. A test checks them against
// rule_check.
const std::vector<std::string_view>& fault_files();
const std::vector<std::string_view>& signal_files();
}  // namespace embedded

namespace {

template <class File>
std::vector<File> parsed(const std::vector<std::string_view>& embedded) {
  std::vector<File> files;
  for (const auto bytes : embedded) {
    if (File file; file.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) files.push_back(std::move(file));
  }
  return files;
}

}  // namespace

Catalogue Catalogue::built_in() {
  return Catalogue(parsed<v1::FaultFile>(embedded::fault_files()), parsed<v1::SignalFile>(embedded::signal_files()));
}

Catalogue::Catalogue(const std::vector<v1::FaultFile>& faults, const std::vector<v1::SignalFile>& signals) {
  for (const auto& file : signals) rules_.insert(rules_.end(), file.rules().begin(), file.rules().end());
  for (const auto& file : faults) {
    faults_.push_back(file.fault());
    for (const auto& rule : file.rules()) rules_.emplace_back(rule).add_faults(file.fault().id());
  }
  point_rules_to_faults();
  say_masks_from_one_side();
  faults_ = masks_first(std::move(faults_));
}

// Each fault says which rules hint at it; whoever matches events asks the rules.
void Catalogue::point_rules_to_faults() {
  for (const auto& fault : faults_) {
    for (auto& rule : rules_) {
      const auto& hints = fault.hinted_by();
      if (std::find(hints.begin(), hints.end(), rule.id()) != hints.end()) rule.add_faults(fault.id());
    }
  }
}

void Catalogue::say_masks_from_one_side() {
  for (const auto& mask : std::vector(faults_)) {
    for (auto& fault : faults_) {
      const auto& masked = mask.masks();
      const auto& known = fault.masked_by();
      if (std::find(masked.begin(), masked.end(), fault.id()) == masked.end()) continue;
      if (std::find(known.begin(), known.end(), mask.id()) == known.end()) fault.add_masked_by(mask.id());
    }
  }
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
