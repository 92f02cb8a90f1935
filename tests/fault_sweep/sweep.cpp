#include "tests/fault_sweep/sweep.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "agent-lib/record/incident_book.hpp"
#include "agent-lib/record/words.hpp"
#include "tests/engine/expectation.hpp"
#include "tests/engine/rehearsed_engine.hpp"

namespace rdpmend::test {

namespace {

using namespace std::chrono_literals;

constexpr Duration k_until_fault = 10s;    // The scenarios break the host within this time.
constexpr Duration k_long_enough = 45min;  // Two attempts with a cool-down and both verification windows.
constexpr int k_most_crashes = 5;

bool settled(const v1::Incident& incident) {
  return is_closed(incident.state()) || incident.state() == v1::INCIDENT_STATE_ESCALATED;
}

bool all_settled(const RehearsedEngine& engine, const v1::Expect& expect) {
  const auto found = [&](const v1::Expect::Incident& expected) {
    return engine.incident(expected.fault_id()) != nullptr;
  };
  return std::ranges::all_of(expect.present(), found) &&
         std::ranges::all_of(engine.engine().snapshot()->incidents,
                             [](const auto& each) { return settled(*each.second); });
}

// Words of the errors that the injector makes, and of what the service says when it meets the rest.
std::vector<std::string_view> words_of(sim::Injection injection) {
  switch (injection) {
    case sim::Injection::denied: return {"access is denied"};
    case sim::Injection::busy: return {"the resource is in use"};
    case sim::Injection::timeout:
    case sim::Injection::timeout_after_success: return {"the wait timed out"};
    case sim::Injection::crash_before:
    case sim::Injection::crash_after_success: return {"interrupted"};
    case sim::Injection::outside_edit: return {"somebody else", "the host does not show what was written"};
  }
  return {};
}

std::vector<v1::JournalEntry> entries_about(const sim::MemoryJournal& journal, std::uint64_t incident_id) {
  return journal.read(0, 1'000'000, incident_id).value();
}

// What somebody else edits just before a call, by the call's name.
std::string lines_edited_before(const std::string& call) {
  const auto begin = call.find('(') + 1;
  const auto object = call.substr(begin, call.find_first_of(",)", begin) - begin);
  if (call.starts_with("services.")) return fmt::format("service {} *", object);
  if (call.starts_with("key_files.")) return fmt::format("key file *{}*", object);
  if (call.starts_with("firewall.")) return fmt::format("firewall rule *{}*", object);
  return fmt::format("certificate {} *", object);
}

bool is_restart(const v1::Incident& incident, std::uint32_t step_number) {
  for (const auto& rung : incident.repair().plan().rungs()) {
    for (const auto& step : rung.steps()) {
      if (step.number() == step_number) return step.has_restart_service();
    }
  }
  return false;
}

bool ended_undone(const sim::MemoryJournal& journal, std::uint64_t incident_id) {
  return std::ranges::any_of(entries_about(journal, incident_id), [](const v1::JournalEntry& entry) {
    return entry.repair_ended().outcome() == v1::RepairEnded::OUTCOME_ROLLED_BACK;
  });
}

}  // namespace

Sweep::Sweep(const std::string& name, std::uint64_t seed) : scenario_(scenario(name)) {
  sim::SimOptions options;
  options.seed = seed;
  host_ = std::make_unique<sim::SimHost>(scenario_, options);
  host_->advance(k_until_fault);
  initial_ = host_->fingerprint();
  passes_before_ = host_->certificate_passes();
  host_->injector().reset_calls();
}

void Sweep::arm(std::uint64_t call, sim::Injection injection) {
  host_->injector().arm(call, injection);
  injection_ = injection;
}

bool Sweep::run_once() {
  try {
    RehearsedEngine engine(*host_, journal_);
    return engine.run_until(
        [&] {
          engine.approve_what_waits();
          return all_settled(engine, scenario_.expect());
        },
        k_long_enough);
  } catch (const sim::Crash&) {
    ++crashes_;
    return false;
  }
}

void Sweep::run() {
  for (int i = 0; i <= k_most_crashes; ++i) {
    const int before = crashes_;
    if (run_once() || crashes_ == before) return;
  }
}

bool Sweep::names_what_went_wrong(const std::string& text) const {
  auto words = injection_ ? words_of(*injection_) : std::vector<std::string_view>{};
  // After a crash the host may have gone on, which looks like somebody else's doing.
  if (crashes_ > 0) words.insert(words.end(), {"interrupted", "somebody else"});
  return std::ranges::any_of(words, [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

bool Sweep::failure_is_journalled(std::uint64_t incident_id) const {
  return std::ranges::any_of(entries_about(journal_, incident_id), [&](const v1::JournalEntry& entry) {
    return names_what_went_wrong(entry.step_failed().error()) || names_what_went_wrong(entry.repair_ended().reason()) ||
           names_what_went_wrong(entry.incident_state_changed().reason()) ||
           names_what_went_wrong(entry.step_undo_blocked().reason());
  });
}

bool Sweep::another_is_open(std::uint64_t incident_id) const {
  const auto book = book_of(journal_);
  return std::ranges::any_of(book.incidents(), [&](const auto& each) {
    return each.first != incident_id && !is_closed(each.second->state());
  });
}

// Of an incident that has not ended as expected.
std::string Sweep::complaint_about(const v1::Incident& incident) const {
  const auto is = fmt::format("incident {} is {} ({})", incident.id(), to_string(incident.state()), incident.reason());
  if (!settled(incident)) return is + " and has not settled";
  if (incident.attempts() == 0) return is + " and nothing was tried";
  if (incident.state() == v1::INCIDENT_STATE_CLEARED || incident.state() == v1::INCIDENT_STATE_REPAIRED)
    return host_->client_connects() || another_is_open(incident.id()) ? "" : is + ", but a client cannot connect";
  if (!incident.rollback_blocked().empty()) {
    return names_what_went_wrong(incident.reason()) ? "" : is + ", and does not name what went wrong";
  }
  if (!ended_undone(journal_, incident.id())) return is + ", and what was begun was not undone";
  return failure_is_journalled(incident.id()) ? "" : is + ", and nothing names what went wrong";
}

std::vector<std::string> Sweep::lines_that_may_differ(const IncidentBook& book) const {
  std::vector<std::string> patterns;
  if (injection_ == sim::Injection::outside_edit) patterns.push_back(lines_edited_before(host_->injector().fired()));
  if (host_->certificate_passes() > passes_before_) {
    const auto lines = lines_touched_by_session_env();
    patterns.insert(patterns.end(), lines.begin(), lines.end());
  }
  for (const auto& [id, incident] : book.incidents()) {
    if (incident->state() == v1::INCIDENT_STATE_REPAIRED || incident->state() == v1::INCIDENT_STATE_CLEARED)
      patterns.insert(patterns.end(), scenario_.expect().leaves_changed().begin(),
                      scenario_.expect().leaves_changed().end());
    std::set<std::uint32_t> not_undone;
    for (const auto& record : incident->repair().steps()) {
      // Nothing takes back that a service was restarted, and what it did then may be why another step is blocked.
      const bool is_blocked = record.phase() == v1::StepRecord::PHASE_UNDO_BLOCKED ||
                              (!incident->rollback_blocked().empty() && is_restart(*incident, record.step_number()));
      if (is_blocked) not_undone.insert(record.step_number());
    }
    const auto entries = entries_about(journal_, id);
    for (const auto& entry : entries) {
      if (entry.step_failed().cause() == v1::StepFailed::CAUSE_CONFLICT)
        not_undone.insert(entry.step_failed().step_number());
    }
    for (const auto& rung : incident->repair().plan().rungs()) {
      for (const auto& step : rung.steps()) {
        if (!not_undone.contains(step.number())) continue;
        const auto touched = lines_touched_by(step);
        patterns.insert(patterns.end(), touched.begin(), touched.end());
      }
    }
  }
  return patterns;
}

std::string Sweep::complaint() {
  const auto book = book_of(journal_);
  const auto& expect = scenario_.expect();
  const auto changed = changed_lines(lines_of(initial_), lines_of(host_->fingerprint()));
  const auto as_expected = complaint_about_incidents(expect, book, Administrator::approves_everything) +
                           complaint_about_lines(expect, changed);
  if (as_expected.empty() || !disturbed()) return as_expected;
  if (injection_ && host_->injector().fired().empty()) return "the call that was to go wrong was never made";

  std::vector<std::string> complaints;
  std::set<std::pair<std::string, std::string>> subjects;
  for (const auto& [id, incident] : book.incidents()) {
    const auto& diagnosis = incident->diagnosis();
    if (!subjects.emplace(diagnosis.fault_id(), diagnosis.subject()).second)
      complaints.push_back(fmt::format("{} has several incidents about one subject", diagnosis.fault_id()));
    const auto expected = std::ranges::find(expect.present(), diagnosis.fault_id(), &v1::Expect::Incident::fault_id);
    if (expected == expect.present().end()) {
      complaints.push_back(diagnosis.fault_id() + " is found and must not be");
    } else if (auto complaint = complaint_about(*incident); !complaint.empty()) {
      complaints.push_back(std::move(complaint));
    }
  }
  if (subjects.empty()) complaints.emplace_back("nothing was found");
  for (const auto& line : unspoken(changed, lines_that_may_differ(book)))
    complaints.push_back("differs and must not: " + line);
  return fmt::format("{}", fmt::join(complaints, "\n"));
}

}  // namespace rdpmend::test
