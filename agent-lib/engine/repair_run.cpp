#include "agent-lib/engine/repair_run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "agent-lib/engine/seen_once.hpp"
#include "agent-lib/support/log.hpp"

namespace rdpmend {

namespace {

constexpr Duration k_fresh = std::chrono::seconds{3};
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

std::string plan_id(const v1::Incident& incident) {
  return fmt::format("{}/{}", incident.id(), incident.attempts() + 1);
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
  const auto rung = next_rung(waiting->repair());
  if (!rung) return undo("the rung that was approved is not in the plan", v1::INCIDENT_STATE_ESCALATED);
  tools_.pen.take(incident_id_, [self = shared_from_this(), rung = *rung, client] {
    self->tools_.jobs.run<std::string>(
        "look at the host before the approved rung", [self, rung] { return self->what_forbids(rung); },
        [self, rung, client](const auto& forbids) {
          const auto& why = forbids ? *forbids : to_string(forbids.error());
          if (why.empty()) return self->start_rung(rung, client);
          self->undo("the approved rung is not climbed: " + why, v1::INCIDENT_STATE_ESCALATED);
        });
  });
}

// Why a plan that is made now would not have this rung as it was approved; empty: it would. Hours may have passed.
Result<std::string> RepairRun::what_forbids(std::uint32_t rung_number) const {
  const auto now = incident();
  const auto& approved = now->repair().plan().rungs(static_cast<int>(rung_number) - 1);
  const SeenOnce seen(tools_.host.view());
  const auto made = tools_.detection.plan(seen.view(), now->diagnosis(), plan_id(*now));
  if (!made) return fail(made.error());
  const auto& plan = made->plan;
  const bool still = std::any_of(plan.rungs().begin(), plan.rungs().end(),
                                 [&](const v1::Rung& rung) { return rung.id() == approved.id(); });
  if (still) return std::string{};
  return plan.advice().empty() ? std::string("the host has changed since it was planned") : plan.advice();
}

void RepairRun::prepare_and(bool propose, const std::string& approved_by) {
  const bool at_once = tools_.pen.free();
  tools_.pen.take(incident_id_, [self = shared_from_this(), propose, approved_by, at_once] {
    self->tools_.jobs.run<Prepared>(
        "plan the repair", [self, before = self->incident(), at_once] { return self->prepare(*before, at_once); },
        [self, propose, approved_by](auto result) { self->prepared(std::move(result), propose, approved_by); });
  });
}

// Looks again before acting: a diagnosis may be minutes old, an approval hours. Only one that a look has found just
// now, and since which no repair has written, is still the picture.
Result<RepairRun::Prepared> RepairRun::prepare(const v1::Incident& incident, bool nothing_written_since) const {
  const SeenOnce seen(tools_.host.view());
  Prepared result;
  if (nothing_written_since && is_fresh(incident.diagnosis())) {
    result.diagnosis = incident.diagnosis();
  } else {
    auto found = find_again(seen.view(), incident);
    if (!found) return fail(std::move(found).error());
    if (!*found) return result;
    result.diagnosis = std::move(**found);
  }
  auto made = tools_.detection.plan(seen.view(), *result.diagnosis, plan_id(incident));
  if (!made) return fail(std::move(made).error());
  result.made = std::move(*made);
  return result;
}

bool RepairRun::is_fresh(const v1::Diagnosis& diagnosis) const {
  const auto age = tools_.host.clock.now() - from_proto(diagnosis.found_at());
  return age >= Duration::zero() && age <= k_fresh;
}

// The same fault on the same subject, as it is now; nullopt: it is gone.
Result<std::optional<v1::Diagnosis>> RepairRun::find_again(const HostView& host, const v1::Incident& incident) const {
  const auto& old = incident.diagnosis();
  auto reason = incident.last_signal();
  reason.clear_fault_ids();
  reason.add_fault_ids(old.fault_id());
  std::optional<v1::Diagnosis> found;
  for (const auto& finding : tools_.detection.run(host, reason)) {
    if (finding.fault_id() != old.fault_id() || finding.outcome() == Finding::OUTCOME_ABSENT) continue;
    if (finding.outcome() != Finding::OUTCOME_PRESENT)
      return fail(ErrorCode::unavailable, "cannot look again before the repair: " + finding.detail());
    if (finding.diagnosis().subject() == old.subject()) found = finding.diagnosis();
  }
  return found;
}

void RepairRun::prepared(Result<Prepared> result, bool propose, const std::string& approved_by) {
  if (!result) {
    (void)tools_.ledger.set_state(incident_id_, v1::INCIDENT_STATE_OPEN, to_string(result.error()));
    return finish();
  }
  if (!result->diagnosis) {
    record({state_change(v1::INCIDENT_STATE_CLEARED, "the fault is no longer present")});
    return finish();
  }
  if (result->made.plan.rungs_size() == 0) {
    v1::JournalEntry made;
    *made.mutable_plan_made()->mutable_plan() = result->made.plan;
    made.set_incident_id(incident_id_);
    record({made, state_change(v1::INCIDENT_STATE_ESCALATED,
                               "nothing that the service may write would help: " + result->made.plan.advice())});
    return finish();
  }
  if (approved_by.empty()) {
    if (propose) return ask(&result->made.plan, "the plan waits for approval");
    if (needs_approval(result->made.plan.rungs(0), result->made.plan.fault_id())) {
      return ask(&result->made.plan, "the first rung drops sessions or cannot be undone, and waits for approval");
    }
  } else if (!same_writes(result->made.plan, incident()->repair().plan())) {
    return ask(&result->made.plan, "the host has changed since the plan was approved: this is the new plan");
  }
  start_first_rung(result->made, approved_by);
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

void RepairRun::start_first_rung(const MadePlan& made, const std::string& approved_by) {
  std::vector<v1::JournalEntry> entries(3);
  for (auto& entry : entries) entry.set_incident_id(incident_id_);
  *entries[0].mutable_plan_made()->mutable_plan() = made.plan;
  auto& started = *entries[1].mutable_repair_started();
  started.set_plan_id(made.plan.id());
  started.set_attempt(incident()->attempts() + 1);
  for (const auto& state : made.before) *started.add_snapshot() = state;
  entries[2].mutable_rung_started()->set_rung(1);
  entries[2].mutable_rung_started()->set_approved_by(approved_by);
  entries.push_back(state_change(v1::INCIDENT_STATE_REPAIRING, made.plan.summary()));
  if (!record(std::move(entries))) return finish();
  climb(made.plan.rungs(0), made.before);
}

// The plan says what a rung costs as the host was when it was made; what it costs now is what counts.
void RepairRun::start_rung(std::uint32_t rung_number, const std::string& approved_by) {
  tools_.pen.take(incident_id_, [self = shared_from_this(), rung_number, approved_by] {
    const auto rung = self->incident()->repair().plan().rungs(static_cast<int>(rung_number) - 1);
    self->tools_.jobs.run<States>(
        "look at what the next rung changes", [self, rung] { return capture(self->tools_.host.view(), rung); },
        [self, rung_number, approved_by](auto before) { self->captured(rung_number, approved_by, std::move(before)); });
  });
}

void RepairRun::captured(std::uint32_t rung_number, const std::string& approved_by, Result<States> before) {
  if (!before) return undo(to_string(before.error()), v1::INCIDENT_STATE_ROLLED_BACK);
  const auto now = incident();
  auto rung = now->repair().plan().rungs(static_cast<int>(rung_number) - 1);
  weigh(rung, *before);
  if (approved_by.empty() && needs_approval(rung, now->diagnosis().fault_id())) {
    return ask(nullptr, fmt::format("{}. The next rung waits for approval: {}", now->repair().verdict().summary(),
                                    rung.reason()));
  }
  std::vector<v1::JournalEntry> entries(1);
  entries[0].set_incident_id(incident_id_);
  entries[0].mutable_rung_started()->set_rung(rung_number);
  entries[0].mutable_rung_started()->set_approved_by(approved_by);
  entries.push_back(state_change(v1::INCIDENT_STATE_REPAIRING, rung.reason()));
  if (!record(std::move(entries))) return finish();
  climb(rung, std::move(*before));
}

void RepairRun::climb(const v1::Rung& rung, States before) {
  tools_.jobs.run<void>(
      "take the steps of the repair",
      [self = shared_from_this(), rung, before = std::move(before)] {
        return self->executor_.climb(self->incident_id_, rung, before, self->tools_.stop);
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
  verification_window_ = tools_.detection.verification_window(incident()->diagnosis().fault_id());
  verify_until_ = tools_.host.clock.steady() + verification_window_;
  verify();
}

void RepairRun::verify() {
  tools_.jobs.run<v1::Verdict>(
      "verify the repair",
      [self = shared_from_this(), now = incident()]() -> Result<v1::Verdict> {
        const SeenOnce seen(self->tools_.host.view());
        return self->tools_.detection.verify(seen.view(), now->diagnosis(), from_proto(now->repair().last_step_done()));
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
        fmt::format("not healthy {} after the last step: {}", to_human(verification_window_), verdict.summary())));
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

  if (const auto next = next_rung(incident()->repair())) return start_rung(*next, "");
  undo(verdict.summary(), v1::INCIDENT_STATE_ROLLED_BACK);
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
