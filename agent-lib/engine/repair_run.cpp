#include "agent-lib/engine/repair_run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "agent-lib/support/log.hpp"

namespace rdpmend {

namespace {

constexpr Duration k_min_ask_again = std::chrono::milliseconds{200};
constexpr Duration k_max_ask_again = std::chrono::seconds{30};

bool same_writes(const v1::Plan& a, const v1::Plan& b) {
  return std::equal(
      a.rungs().begin(), a.rungs().end(), b.rungs().begin(), b.rungs().end(),
      [](const v1::Rung& x, const v1::Rung& y) { return x.SerializeAsString() == y.SerializeAsString(); });
}

bool all_done(const v1::Repair& repair) {
  if (repair.rung() == 0 || static_cast<int>(repair.rung()) > repair.plan().rungs_size()) return false;
  const auto& steps = repair.plan().rungs(static_cast<int>(repair.rung()) - 1).steps();
  return std::all_of(steps.begin(), steps.end(), [&](const v1::Step& step) {
    return std::any_of(repair.steps().begin(), repair.steps().end(), [&](const v1::StepRecord& record) {
      return record.step_number() == step.number() && record.phase() == v1::StepRecord::PHASE_DONE;
    });
  });
}

// The rung after the present one that a verdict asks for; nullopt: none.
std::optional<std::uint32_t> next_rung(const v1::Repair& repair) {
  const auto& wanted = repair.verdict().next_rung();
  if (wanted.empty()) return std::nullopt;
  for (auto number = repair.rung() + 1; static_cast<int>(number) <= repair.plan().rungs_size(); ++number) {
    if (repair.plan().rungs(static_cast<int>(number) - 1).id() == wanted) return number;
  }
  return std::nullopt;
}

bool undo_begun(const v1::Repair& repair) {
  return std::any_of(repair.steps().begin(), repair.steps().end(), [](const v1::StepRecord& record) {
    return record.phase() == v1::StepRecord::PHASE_UNDONE || record.phase() == v1::StepRecord::PHASE_UNDO_BLOCKED;
  });
}

std::string verification_of(std::uint64_t incident_id) {
  return fmt::format("verification of incident {}", incident_id);
}

v1::Verdict not_repaired_because(std::string summary) {
  v1::Verdict verdict;
  verdict.set_result(v1::Verdict::RESULT_NOT_REPAIRED);
  verdict.set_summary(std::move(summary));
  return verdict;
}

}  // namespace

RepairRun::RepairRun(const RepairTools& tools, std::uint64_t incident_id, std::function<void()> on_end)
    : tools_(tools), incident_id_(incident_id), on_end_(std::move(on_end)), executor_(tools.host, tools.ledger) {}

// --- planning ---

void RepairRun::begin(bool propose) {
  prepare_and(propose, "");
}

void RepairRun::approve(const std::string& client) {
  const auto waiting = incident();
  if (waiting->repair().rung() == 0) return prepare_and(false, client);
  if (const auto rung = next_rung(waiting->repair())) return start_rung(*rung, client);
  undo("the rung that was approved is not in the plan", v1::INCIDENT_STATE_ESCALATED);
}

void RepairRun::prepare_and(bool propose, const std::string& approved_by) {
  tools_.pen.take(incident_id_, [self = shared_from_this(), propose, approved_by] {
    self->tools_.jobs.run<Prepared>(
        "plan the repair", [self, before = self->incident()] { return self->prepare(*before); },
        [self, propose, approved_by](auto result) { self->prepared(std::move(result), propose, approved_by); });
  });
}

// Looks again right before acting: a diagnosis may be minutes old, an approval hours.
Result<RepairRun::Prepared> RepairRun::prepare(const v1::Incident& incident) const {
  const auto& old = incident.diagnosis();
  auto reason = incident.last_signal();
  reason.clear_fault_ids();
  reason.add_fault_ids(old.fault_id());
  const auto findings = tools_.detection.run(tools_.host.view(), reason);
  Prepared result;
  for (const auto& finding : findings) {
    if (finding.fault_id() != old.fault_id()) continue;
    switch (finding.outcome()) {
      case Finding::OUTCOME_PRESENT:
        if (finding.diagnosis().subject() == old.subject()) result.diagnosis = finding.diagnosis();
        break;
      case Finding::OUTCOME_ABSENT: return result;
      default: return fail(ErrorCode::unavailable, "cannot look again before the repair: " + finding.detail());
    }
  }
  const auto* fault = tools_.detection.find(old.fault_id());
  if (fault == nullptr) return fail(ErrorCode::unsupported, "this build cannot repair " + old.fault_id());
  if (!result.diagnosis) return result;  // Gone from this subject.

  auto plan = fault->plan(tools_.host.view(), *result.diagnosis);
  if (!plan) return fail(std::move(plan).error().context("cannot plan"));
  result.plan = std::move(*plan);
  result.plan.set_fault_id(old.fault_id());
  result.plan.set_subject(old.subject());
  result.plan.set_id(fmt::format("{}/{}", incident.id(), incident.attempts() + 1));
  if (auto finished = finish_plan(result.plan); !finished) return fail(finished.error());
  if (result.plan.rungs_size() == 0) return result;

  auto snapshot = executor_.capture(result.plan.rungs(0));
  if (!snapshot) return fail(std::move(snapshot).error());
  result.snapshot = std::move(*snapshot);
  return result;
}

void RepairRun::prepared(Result<Prepared> result, bool propose, const std::string& approved_by) {
  if (!result) {
    const auto reason = to_string(result.error());
    // An incident that cannot be planned for is tried again and again; the same is said once.
    if (const auto now = incident(); now->state() != v1::INCIDENT_STATE_OPEN || now->reason() != reason)
      record({state_change(v1::INCIDENT_STATE_OPEN, reason)});
    return finish();
  }
  if (!result->diagnosis) {
    record({state_change(v1::INCIDENT_STATE_CLEARED, "the fault is no longer present")});
    return finish();
  }
  if (result->plan.rungs_size() == 0) {
    v1::JournalEntry made;
    *made.mutable_plan_made()->mutable_plan() = result->plan;
    made.set_incident_id(incident_id_);
    record({made, state_change(v1::INCIDENT_STATE_ESCALATED,
                               "nothing that the service may write would help: " + result->plan.advice())});
    return finish();
  }
  if (approved_by.empty()) {
    if (propose) return ask(&result->plan, "the plan waits for approval");
    if (needs_approval(result->plan.rungs(0), result->plan.fault_id())) {
      return ask(&result->plan, "the first rung drops sessions or cannot be undone, and waits for approval");
    }
  } else if (!same_writes(result->plan, incident()->repair().plan())) {
    return ask(&result->plan, "the host has changed since the plan was approved: this is the new plan");
  }
  start_first_rung(*result, approved_by);
}

bool RepairRun::needs_approval(const v1::Rung& rung, const std::string& fault_id) const {
  return has_irreversible_step(rung) || (drops_sessions(rung) && !tools_.policy.may_drop_sessions_unasked(fault_id));
}

void RepairRun::ask(const v1::Plan* new_plan, const std::string& reason) {
  std::vector<v1::JournalEntry> entries;
  if (new_plan != nullptr) {
    entries.emplace_back().set_incident_id(incident_id_);
    *entries.back().mutable_plan_made()->mutable_plan() = *new_plan;
  }
  entries.push_back(state_change(v1::INCIDENT_STATE_AWAITING_APPROVAL, reason));
  record(std::move(entries));
  finish();
}

// --- climbing ---

void RepairRun::start_first_rung(const Prepared& prepared, const std::string& approved_by) {
  std::vector<v1::JournalEntry> entries(3);
  for (auto& entry : entries) entry.set_incident_id(incident_id_);
  *entries[0].mutable_plan_made()->mutable_plan() = prepared.plan;
  auto& started = *entries[1].mutable_repair_started();
  started.set_plan_id(prepared.plan.id());
  started.set_attempt(incident()->attempts() + 1);
  for (const auto& state : prepared.snapshot) *started.add_snapshot() = state;
  entries[2].mutable_rung_started()->set_rung(1);
  entries[2].mutable_rung_started()->set_approved_by(approved_by);
  entries.push_back(state_change(v1::INCIDENT_STATE_REPAIRING, prepared.plan.summary()));
  if (!record(std::move(entries))) return finish();
  climb(1, prepared.snapshot);
}

void RepairRun::start_rung(std::uint32_t rung_number, const std::string& approved_by) {
  tools_.pen.take(incident_id_, [self = shared_from_this(), rung_number, approved_by] {
    const auto now = self->incident();
    std::vector<v1::JournalEntry> entries(1);
    entries[0].set_incident_id(self->incident_id_);
    entries[0].mutable_rung_started()->set_rung(rung_number);
    entries[0].mutable_rung_started()->set_approved_by(approved_by);
    entries.push_back(self->state_change(v1::INCIDENT_STATE_REPAIRING,
                                         now->repair().plan().rungs(static_cast<int>(rung_number) - 1).reason()));
    if (!self->record(std::move(entries))) return self->finish();
    self->climb(rung_number, {});
  });
}

void RepairRun::climb(std::uint32_t rung_number, std::vector<v1::StepState> snapshot) {
  const auto rung = incident()->repair().plan().rungs(static_cast<int>(rung_number) - 1);
  tools_.jobs.run<void>(
      "take the steps of the repair",
      [self = shared_from_this(), rung, snapshot = std::move(snapshot)]() -> Status {
        if (!snapshot.empty()) return self->executor_.climb(self->incident_id_, rung, snapshot, self->tools_.stop);
        const auto captured = self->executor_.capture(rung);
        if (!captured) return fail(captured.error());
        return self->executor_.climb(self->incident_id_, rung, *captured, self->tools_.stop);
      },
      [self = shared_from_this()](const Status& status) { self->climbed(status); });
}

void RepairRun::climbed(const Status& status) {
  if (!status) return undo(to_string(status.error()), v1::INCIDENT_STATE_ROLLED_BACK);
  tools_.pen.give_back(incident_id_);
  start_verification();
}

// --- verifying ---

void RepairRun::start_verification() {
  verify_until_ = tools_.host.clock.steady() + k_verification_window;
  verify();
}

void RepairRun::verify() {
  tools_.jobs.run<v1::Verdict>(
      "verify the repair",
      [self = shared_from_this(), now = incident()]() -> Result<v1::Verdict> {
        const auto* fault = self->tools_.detection.find(now->diagnosis().fault_id());
        if (fault == nullptr)
          return not_repaired_because("this version cannot prove a repair of " + now->diagnosis().fault_id());
        return fault->verify(self->tools_.host.view(), now->diagnosis(), from_proto(now->repair().last_step_done()));
      },
      [self = shared_from_this()](auto verdict) { self->verified(std::move(verdict)); });
}

void RepairRun::recheck() {
  rechecking_ = true;
  verify();
}

void RepairRun::verified(Result<v1::Verdict> result) {
  auto verdict = result ? *result : v1::Verdict{};
  if (!result) {
    verdict.set_result(v1::Verdict::RESULT_NOT_KNOWN_YET);
    verdict.set_summary(to_string(result.error()));
  }
  if (verdict.has_probe() && tools_.on_probe) tools_.on_probe(verdict.probe());
  if (verdict.result() == v1::Verdict::RESULT_REPAIRED) return repaired(verdict);
  if (rechecking_) return finish();
  if (verdict.result() == v1::Verdict::RESULT_NOT_REPAIRED) return not_repaired(verdict);

  if (tools_.host.clock.steady() >= verify_until_) {
    return not_repaired(not_repaired_because(
        fmt::format("not healthy {} after the last step: {}", to_human(k_verification_window), verdict.summary())));
  }
  if (!tell(verdict)) return finish();
  const auto pause = std::clamp<Duration>(from_proto(verdict.ask_again_in()), k_min_ask_again, k_max_ask_again);
  tools_.agenda.at(verification_of(incident_id_), tools_.host.clock.steady() + pause,
                   [self = shared_from_this()] { self->verify(); });
}

void RepairRun::repaired(const v1::Verdict& verdict) {
  std::vector<v1::JournalEntry> entries(2);
  for (auto& entry : entries) entry.set_incident_id(incident_id_);
  entries[0].mutable_verified()->set_rung(incident()->repair().rung());
  *entries[0].mutable_verified()->mutable_verdict() = verdict;
  entries[1].mutable_repair_ended()->set_outcome(v1::RepairEnded::OUTCOME_REPAIRED);
  entries[1].mutable_repair_ended()->set_reason(verdict.summary());
  entries.push_back(state_change(v1::INCIDENT_STATE_REPAIRED, verdict.summary()));
  record(std::move(entries));
  finish();
}

// Once: not again when it is asked again, nor by the process after one that ended.
bool RepairRun::tell(const v1::Verdict& verdict) {
  const auto now = incident();
  const auto& told = now->repair().verdict();
  if (verdict.result() == told.result() && verdict.summary() == told.summary() &&
      verdict.next_rung() == told.next_rung()) {
    return true;
  }
  v1::JournalEntry entry;
  entry.set_incident_id(incident_id_);
  entry.mutable_verified()->set_rung(now->repair().rung());
  *entry.mutable_verified()->mutable_verdict() = verdict;
  return record({entry});
}

void RepairRun::not_repaired(const v1::Verdict& verdict) {
  if (!tell(verdict)) return finish();

  const auto now = incident();
  const auto next = next_rung(now->repair());
  if (!next) return undo(verdict.summary(), v1::INCIDENT_STATE_ROLLED_BACK);
  const auto& rung = now->repair().plan().rungs(static_cast<int>(*next) - 1);
  if (!needs_approval(rung, now->diagnosis().fault_id())) return start_rung(*next, "");
  ask(nullptr, fmt::format("{}. The next rung waits for approval: {}", verdict.summary(), rung.reason()));
}

// --- undoing ---

void RepairRun::roll_back(const std::string& reason) {
  undo(reason, v1::INCIDENT_STATE_ESCALATED);
}

void RepairRun::undo(const std::string& reason, v1::IncidentState then) {
  tools_.pen.take(incident_id_, [self = shared_from_this(), reason, then] {
    self->tools_.jobs.run<std::vector<std::string>>(
        "undo the repair",
        [self, now = self->incident()] { return Result<std::vector<std::string>>(self->executor_.undo(*now)); },
        [self, reason, then](const auto& blocked) {
          self->undone(blocked ? *blocked : std::vector{to_string(blocked.error())}, reason, then);
        });
  });
}

void RepairRun::undone(const std::vector<std::string>& blocked, const std::string& reason, v1::IncidentState then) {
  std::vector<v1::JournalEntry> entries(1);
  entries[0].set_incident_id(incident_id_);
  auto& ended = *entries[0].mutable_repair_ended();
  if (blocked.empty()) {
    ended.set_outcome(v1::RepairEnded::OUTCOME_ROLLED_BACK);
    ended.set_reason(reason);
    entries.push_back(state_change(then, "undone: " + reason));
  } else {
    const auto why = fmt::format("rollback blocked: {}", fmt::join(blocked, "; "));
    ended.set_outcome(v1::RepairEnded::OUTCOME_ROLLBACK_BLOCKED);
    ended.set_reason(why);
    entries.push_back(
        state_change(v1::INCIDENT_STATE_ESCALATED, fmt::format("{}. The repair had not helped: {}", why, reason)));
  }
  record(std::move(entries));
  finish();
}

// --- after a crash ---

void RepairRun::resume() {
  const auto now = incident();
  if (all_done(now->repair()) && !undo_begun(now->repair())) return start_verification();
  undo("the service was interrupted in the middle of the repair", v1::INCIDENT_STATE_ROLLED_BACK);
}

// --- recording ---

v1::JournalEntry RepairRun::state_change(v1::IncidentState to, const std::string& reason) const {
  v1::JournalEntry entry;
  entry.set_incident_id(incident_id_);
  auto& change = *entry.mutable_incident_state_changed();
  change.set_from(incident()->state());
  change.set_to(to);
  change.set_reason(reason);
  return entry;
}

bool RepairRun::record(std::vector<v1::JournalEntry> entries) {
  const auto recorded = tools_.ledger.record(std::move(entries));
  if (!recorded)
    log::error("the repair of incident {} cannot be recorded: {}", incident_id_, to_string(recorded.error()));
  return recorded.has_value();
}

void RepairRun::finish() {
  tools_.agenda.cancel(verification_of(incident_id_));
  tools_.pen.give_back(incident_id_);
  on_end_();
}

}  // namespace rdpmend
