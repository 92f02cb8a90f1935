#include "tests/world/witness.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent-lib/record/words.hpp"
#include "agent-lib/steps/settings.hpp"

namespace rdpmend::world {

using test::changed_lines;
using test::Lines;
using test::lines_of;
using test::lines_touched_by;
using test::unspoken;

namespace {

constexpr std::size_t k_page = 1000;
constexpr std::size_t k_most_complaints = 10;

bool touches_service(const std::string& call, const std::string& name) {
  return call == fmt::format("services.stop({})", name) || call == fmt::format("services.start({})", name) ||
         call.starts_with(fmt::format("services.set_start_type({},", name));
}

// Whether a step of this kind makes such a call, to apply or to undo it.
bool makes(const v1::Step& step, const v1::StepState& before, const std::string& call) {
  switch (step.kind_case()) {
    case v1::Step::kGrantKeyFileAccess:
      return call == fmt::format("key_files.write_dacl({})", step.grant_key_file_access().file());
    case v1::Step::kKeepKeyFile:
      return call.starts_with("key_files.") && call.find(step.keep_key_file().file()) != call.npos;
    case v1::Step::kRemoveCertificate: return call.starts_with("certificates.");
    case v1::Step::kSetServiceStartType: return touches_service(call, step.set_service_start_type().service());
    case v1::Step::kRestartService:
      return touches_service(call, step.restart_service().service()) ||
             std::ranges::any_of(before.service().running_dependents(),
                                 [&](const auto& name) { return touches_service(call, name); });
    case v1::Step::kEnableFirewallRule:
      return call.starts_with(fmt::format("firewall.set_enabled({},", step.enable_firewall_rule().rule_id()));
    case v1::Step::kSetSetting:
      return call.starts_with("registry.") && call.find(find_setting(step.set_setting().setting())->name) != call.npos;
    case v1::Step::kMoveKeyFileAside:
      return call.starts_with("key_files.") && call.find(step.move_key_file_aside().file()) != call.npos;
    default: return true;  // A kind that this table does not know.
  }
}

template <class Visit>
void for_each_step(const v1::Incident& incident, Visit visit) {
  for (const auto& rung : incident.repair().plan().rungs()) {
    for (const auto& step : rung.steps()) visit(step);
  }
}

std::vector<std::string> patterns_of(const v1::Incident& incident) {
  std::vector<std::string> patterns;
  for_each_step(incident, [&](const v1::Step& step) {
    const auto touched = lines_touched_by(step);
    patterns.insert(patterns.end(), touched.begin(), touched.end());
  });
  return patterns;
}

bool restarts_something(const v1::Incident& incident) {
  bool found = false;
  for_each_step(incident, [&](const v1::Step& step) { found |= step.has_restart_service(); });
  return found;
}

std::string said(v1::JournalEntry entry) {
  entry.clear_seq();
  entry.clear_time();
  if (entry.has_incident_updated()) entry.mutable_incident_updated()->mutable_diagnosis()->clear_found_at();
  return entry.SerializeAsString();
}

}  // namespace

Witness::Witness(sim::SimHost& host)
    : host_(host), seen_text_(host.fingerprint()), seen_(lines_of(seen_text_)), untouched_(seen_) {}

void Witness::complain(std::string what) {
  if (complaints_.size() < k_most_complaints) complaints_.push_back(std::move(what));
}

std::uint64_t Witness::entries(v1::JournalEntry::BodyCase body) const {
  const auto found = counts_.find(body);
  return found == counts_.end() ? 0 : found->second;
}

std::uint64_t Witness::ended(v1::RepairEnded::Outcome outcome) const {
  const auto found = ended_.find(outcome);
  return found == ended_.end() ? 0 : found->second;
}

Status Witness::append(std::vector<v1::JournalEntry>& entries, const std::optional<Bookmark>& bookmark) {
  check_calls();  // What was written before this is known to be: judged by what was durable then.
  try {
    auto status = journal_.append(entries, bookmark);
    note_new_entries();
    const bool intended = std::ranges::any_of(entries, [](const auto& entry) { return entry.has_step_intended(); });
    if (status && intended && meddling_) std::exchange(meddling_, nullptr)();
    return status;
  } catch (const sim::Crash&) {
    note_new_entries();
    throw;
  }
}

Status Witness::prune(WallTime now, std::uint64_t keep_from_seq) {
  auto status = journal_.prune(now, keep_from_seq);
  note_new_entries();
  return status;
}

void Witness::note_new_entries() {
  const auto fresh = journal_.read(noted_, k_page, 0).value();
  for (const auto& entry : fresh) note(entry);
}

void Witness::note(const v1::JournalEntry& entry) {
  noted_ = entry.seq();
  ++all_entries_;
  ++counts_[entry.body_case()];
  check_repetition(entry);
  book_.apply(entry);
  if (entry.incident_id() != 0) busy_.insert(entry.incident_id());
  if (entry.has_repair_started())
    at_start_[entry.incident_id()] = changed_lines(untouched_, lines_of(host_.fingerprint()));
  if (entry.has_repair_ended()) {
    ++ended_[entry.repair_ended().outcome()];
    check_undone(entry);
  }
}

void Witness::check_repetition(const v1::JournalEntry& entry) {
  if (entry.incident_id() == 0) return;
  auto text = said(entry);
  if (auto& last = last_said_[entry.incident_id()]; std::exchange(last, text) == text)
    complain("the same is said twice in a row: " + entry.ShortDebugString());
}

// Of a repair that was undone, nothing is left that was not there when it began, but for what restarted services did.
void Witness::check_undone(const v1::JournalEntry& entry) {
  const auto incident = book_.find(entry.incident_id());
  if (incident == nullptr || entry.repair_ended().outcome() != v1::RepairEnded::OUTCOME_ROLLED_BACK) return;
  if (restarts_something(*incident)) return;
  const auto changed = changed_lines(untouched_, lines_of(host_.fingerprint()));
  const auto& before = at_start_[entry.incident_id()];
  Lines left;
  std::ranges::set_difference(changed, before, std::inserter(left, left.end()));
  // What another repair has done to the same thing since is its own.
  std::vector<std::string> of_others;
  for (const auto& [id, other] : book_.incidents()) {
    if (id == entry.incident_id() || !other->repair().has_started()) continue;
    const auto patterns = patterns_of(*other);
    of_others.insert(of_others.end(), patterns.begin(), patterns.end());
  }
  left = unspoken(left, of_others);
  const auto others = unspoken(left, patterns_of(*incident));
  for (const auto& line : left) {
    if (!others.contains(line))
      complain(fmt::format("incident {} is undone, but this is left: {}", entry.incident_id(), line));
  }
}

bool Witness::is_intended(const std::string& call) const {
  for (const auto& [id, incident] : book_.incidents()) {
    for (const auto& record : incident->repair().steps()) {
      if (record.phase() != v1::StepRecord::PHASE_INTENDED && record.phase() != v1::StepRecord::PHASE_DONE) continue;
      bool found = false;
      for_each_step(*incident, [&](const v1::Step& step) {
        found |= step.number() == record.step_number() && makes(step, record.before(), call);
      });
      if (found) return true;
    }
  }
  return false;
}

void Witness::check_calls() {
  const auto calls = host_.injector().calls();
  for (; calls_checked_ < calls.size(); ++calls_checked_) {
    if (!is_intended(calls[calls_checked_]))
      complain(fmt::format("{} without a durable intent that speaks of it", calls[calls_checked_]));
  }
}

void Witness::look() {
  check_calls();
  host_.injector().reset_calls();
  calls_checked_ = 0;
  std::vector<std::string> patterns;
  for (const auto& [id, incident] : book_.incidents()) {
    if (!busy_.contains(id) && incident->state() != v1::INCIDENT_STATE_REPAIRING) continue;
    const auto touched = patterns_of(*incident);
    patterns.insert(patterns.end(), touched.begin(), touched.end());
  }
  busy_.clear();
  auto text = host_.fingerprint();
  if (text == seen_text_) return;
  auto now = lines_of(text);
  seen_text_ = std::move(text);
  for (const auto& line : unspoken(changed_lines(seen_, now), patterns))
    complain("the service changed what no step of a plan speaks of: " + line);
  seen_ = std::move(now);
}

void Witness::rest() {
  auto text = host_.fingerprint();
  if (text == seen_text_) return;
  auto now = lines_of(text);
  seen_text_ = std::move(text);
  for (const auto& line : seen_) {
    if (!now.contains(line)) untouched_.erase(line);
  }
  for (const auto& line : now) {
    if (!seen_.contains(line)) untouched_.insert(line);
  }
  seen_ = std::move(now);
}

}  // namespace rdpmend::world
