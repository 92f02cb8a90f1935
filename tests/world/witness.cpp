#include "tests/world/witness.hpp"

#include <fmt/format.h>

#include <algorithm>
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

bool may_have_written(const v1::StepRecord& record) {
  return record.phase() == v1::StepRecord::PHASE_INTENDED || record.phase() == v1::StepRecord::PHASE_DONE ||
         record.phase() == v1::StepRecord::PHASE_UNDO_BLOCKED;
}

template <class Visit>
void for_each_step(const v1::Incident& incident, Visit visit) {
  for (const auto& record : incident.repair().steps()) {
    for (const auto& rung : incident.repair().plan().rungs()) {
      for (const auto& step : rung.steps()) {
        if (step.number() == record.step_number()) visit(step, record);
      }
    }
  }
}

std::vector<std::string> patterns_of(const v1::Step& step, const v1::StepRecord& record) {
  auto patterns = lines_touched_by(step);
  for (const auto& dependent : record.before().service().running_dependents())
    patterns.push_back(fmt::format("service {} run = *", dependent));
  return patterns;
}

// Of the steps that a repair has come to.
std::vector<std::string> patterns_of(const v1::Incident& incident) {
  std::vector<std::string> patterns;
  for_each_step(incident, [&](const v1::Step& step, const v1::StepRecord& record) {
    if (record.phase() == v1::StepRecord::PHASE_CAPTURED) return;
    const auto touched = patterns_of(step, record);
    patterns.insert(patterns.end(), touched.begin(), touched.end());
  });
  return patterns;
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
  attribute_changes();  // What was written before this: judged by what was durable then.
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
  if (entry.admin_action().method() == "Rollback") ordered_back_.insert(entry.incident_id());
  if (entry.has_repair_started()) at_start_[entry.incident_id()] = {entry.seq(), lines_of(host_.fingerprint())};
  if (entry.has_repair_ended()) note_end(entry);
}

void Witness::note_end(const v1::JournalEntry& entry) {
  const auto& ended = entry.repair_ended();
  ++ended_[ended.outcome()];
  ordered_back_.erase(entry.incident_id());
  if (ended.reason().empty())
    complain(fmt::format("the repair of incident {} ends without a reason", entry.incident_id()));
  const auto incident = book_.find(entry.incident_id());
  if (incident == nullptr) return;
  if (ended.outcome() == v1::RepairEnded::OUTCOME_ROLLED_BACK) return check_undone(*incident);
  const auto patterns = patterns_of(*incident);
  left_.insert(patterns.begin(), patterns.end());
}

void Witness::check_repetition(const v1::JournalEntry& entry) {
  auto text = said(entry);
  auto& last = last_said_[entry.incident_id()];
  const bool another_process = entry.has_service_started();  // The one before may have ended at once.
  if (std::exchange(last, text) == text && !another_process)
    complain("the same is said twice in a row: " + entry.ShortDebugString());
}

// What a repair that was undone had to do with is as it was when it began, or as others have made it since: people,
// the host itself, and other repairs.
void Witness::check_undone(const v1::Incident& incident) {
  const auto& began = at_start_[incident.id()];
  const auto now = lines_of(host_.fingerprint());
  Lines wrong;
  for (const auto& line : now) {
    if (!began.lines.contains(line) && !untouched_.contains(line)) wrong.insert(line);
  }
  for (const auto& line : began.lines) {
    if (untouched_.contains(line) && !now.contains(line)) wrong.insert(line);
  }
  std::vector<std::string> of_others;
  for (const auto& [id, other] : book_.incidents()) {
    const auto start = at_start_.find(id);
    if (start == at_start_.end() || start->second.seq <= began.seq) continue;
    const auto patterns = patterns_of(*other);
    of_others.insert(of_others.end(), patterns.begin(), patterns.end());
  }
  wrong = unspoken(wrong, of_others);
  const auto none_of_its = unspoken(wrong, patterns_of(incident));
  for (const auto& line : wrong) {
    if (!none_of_its.contains(line))
      complain(fmt::format("incident {} is undone, but this is not as it was: {}", incident.id(), line));
  }
}

void Witness::check_as_it_was() {
  std::vector<std::string> patterns(left_.begin(), left_.end());
  for (const auto& [id, incident] : book_.incidents()) {
    if (incident->repair().has_ended()) continue;
    const auto half_done = patterns_of(*incident);
    patterns.insert(patterns.end(), half_done.begin(), half_done.end());
  }
  for (const auto& line : unspoken(changed_lines(untouched_, seen_), patterns))
    complain("is not as it would be without the service, and no repair that has changed it stands: " + line);
}

// Visits the steps that may be written to now: their repair is not over, or is to be undone.
template <class Visit>
void Witness::for_each_step_in_hand(Visit visit) const {
  for (const auto& [id, incident] : book_.incidents()) {
    if (incident->repair().has_ended() && !ordered_back_.contains(id)) continue;
    for_each_step(*incident, [&](const v1::Step& step, const v1::StepRecord& record) {
      if (may_have_written(record)) visit(step, record);
    });
  }
}

bool Witness::is_intended(const std::string& call) const {
  bool found = false;
  for_each_step_in_hand(
      [&](const v1::Step& step, const v1::StepRecord& record) { found |= makes(step, record.before(), call); });
  return found;
}

void Witness::check_calls() {
  const auto calls = host_.injector().calls();
  for (; calls_checked_ < calls.size(); ++calls_checked_) {
    if (!is_intended(calls[calls_checked_]))
      complain(fmt::format("{} without a durable intent that speaks of it", calls[calls_checked_]));
  }
}

// What has changed since it was last asked: the service's doing, or, if no call changed anything, the host's own. A
// handshake, ours too, may make a host that serves no certificate ask SessionEnv for one (sim/README.md): what that
// changes is its own doing at any time, if it has made one or failed to since, and only then.
void Witness::attribute_changes() {
  const bool wrote = host_.injector().calls().size() > calls_checked_;
  check_calls();
  const auto passes = std::exchange(passes_seen_, host_.certificate_passes());
  auto text = host_.fingerprint();
  if (text == seen_text_) return;
  auto now = lines_of(text);
  seen_text_ = std::move(text);
  auto by_host = changed_lines(seen_, now);
  const auto by_others = passes_seen_ > passes ? unspoken(by_host, test::lines_touched_by_session_env()) : by_host;
  std::vector<std::string> patterns;
  if (wrote) {
    for_each_step_in_hand([&](const v1::Step& step, const v1::StepRecord& record) {
      const auto touched = patterns_of(step, record);
      patterns.insert(patterns.end(), touched.begin(), touched.end());
    });
  }
  for (const auto& line : unspoken(by_others, patterns))
    complain((wrote ? "the service changed what no step speaks of: " : "changed, and by no call: ") + line);
  if (wrote) std::erase_if(by_host, [&](const auto& line) { return by_others.contains(line); });
  test::carry_over(untouched_, by_host, now);
  seen_ = std::move(now);
}

void Witness::look() {
  attribute_changes();
  host_.injector().reset_calls();
  calls_checked_ = 0;
}

void Witness::rest() {
  passes_seen_ = host_.certificate_passes();
  auto text = host_.fingerprint();
  if (text == seen_text_) return;
  auto now = lines_of(text);
  seen_text_ = std::move(text);
  test::carry_over(untouched_, changed_lines(seen_, now), now);
  seen_ = std::move(now);
}

}  // namespace rdpmend::world
