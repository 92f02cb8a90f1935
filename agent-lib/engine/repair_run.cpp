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

v1::Verdict not_repaired_because(std::string summary) {
  v1::Verdict verdict;
  verdict.set_result(v1::Verdict::RESULT_NOT_REPAIRED);
  verdict.set_summary(std::move(summary));
  return verdict;
}

}  // namespace

RepairRun::RepairRun(const HostControl& host, Ledger& ledger, const Detection& detection, const Policy& policy,
                     asio::any_io_executor engine, asio::any_io_executor worker)
    : host_(host),
      ledger_(ledger),
      detection_(detection),
      policy_(policy),
      executor_(host, ledger),
      engine_(std::move(engine)),
      worker_(std::move(worker)) {}

void RepairRun::on_worker(std::function<void()> job) {
  asio::post(worker_, std::move(job));
}
void RepairRun::on_engine(std::function<void()> next) {
  asio::post(engine_, std::move(next));
}
void RepairRun::request_stop() {
  stop_.request_stop();
}

// --- planning ---

void RepairRun::begin(std::uint64_t incident_id, bool propose) {
  incident_id_ = incident_id;
  on_worker([this, before = incident(), propose] {
    on_engine([this, result = prepare(*before), propose] { prepared(result, propose, ""); });
  });
}

void RepairRun::approve(std::uint64_t incident_id, const std::string& client) {
  incident_id_ = incident_id;
  const auto waiting = incident();
  if (waiting->repair().rung() > 0) {
    if (const auto rung = next_rung(waiting->repair())) return start_rung(*rung, client);
    return undo("the rung that was approved is not in the plan", v1::INCIDENT_STATE_ESCALATED);
  }
  on_worker([this, waiting, client] {
    on_engine([this, result = prepare(*waiting), client] { prepared(result, false, client); });
  });
}

// Looks again right before acting: a diagnosis may be minutes old, an approval hours.
Result<RepairRun::Prepared> RepairRun::prepare(const v1::Incident& incident) const {
  const auto& old = incident.diagnosis();
  const auto findings = detection_.run(host_.view(), {old.fault_id()}, incident.last_signal());
  Prepared result;
  for (const auto& finding : findings) {
    if (finding.fault_id() != old.fault_id()) continue;
    switch (finding.outcome()) {
      case Finding::OUTCOME_PRESENT: result.diagnosis = finding.diagnosis(); break;
      case Finding::OUTCOME_ABSENT: return result;
      default: return fail(ErrorCode::unavailable, "cannot look again before the repair: " + finding.detail());
    }
  }
  const auto* fault = detection_.find(old.fault_id());
  if (fault == nullptr || !result.diagnosis)
    return fail(ErrorCode::unsupported, "this build cannot repair " + old.fault_id());

  auto plan = fault->plan(host_.view(), *result.diagnosis);
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
    record({state_change(v1::INCIDENT_STATE_OPEN, to_string(result.error()))});
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
  return has_irreversible_step(rung) || (drops_sessions(rung) && !policy_.may_drop_sessions_unasked(fault_id));
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
  std::vector<v1::JournalEntry> entries(1);
  entries[0].set_incident_id(incident_id_);
  entries[0].mutable_rung_started()->set_rung(rung_number);
  entries[0].mutable_rung_started()->set_approved_by(approved_by);
  entries.push_back(state_change(v1::INCIDENT_STATE_REPAIRING,
                                 incident()->repair().plan().rungs(static_cast<int>(rung_number) - 1).reason()));
  if (!record(std::move(entries))) return finish();
  climb(rung_number, {});
}

void RepairRun::climb(std::uint32_t rung_number, std::vector<v1::StepState> snapshot) {
  const auto plan = incident()->repair().plan();
  on_worker([this, id = incident_id_, rung = plan.rungs(static_cast<int>(rung_number) - 1),
             snapshot = std::move(snapshot)]() mutable {
    Status status;
    if (snapshot.empty()) {
      auto captured = executor_.capture(rung);
      if (captured)
        snapshot = std::move(*captured);
      else
        status = fail(captured.error());
    }
    if (status) status = executor_.climb(id, rung, snapshot, stop_.get_token());
    on_engine([this, status] { climbed(status); });
  });
}

void RepairRun::climbed(const Status& status) {
  if (status) return start_verification();
  undo(to_string(status.error()), v1::INCIDENT_STATE_ROLLED_BACK);
}

// --- verifying ---

void RepairRun::start_verification() {
  verify_until_ = host_.clock.steady() + k_verification_window;
  last_verdict_.clear();
  verify();
}

void RepairRun::verify() {
  next_verify_.reset();
  const auto now = incident();
  on_worker([this, now] {
    const auto* fault = detection_.find(now->diagnosis().fault_id());
    auto verdict = fault->verify(host_.view(), now->diagnosis(), from_proto(now->repair().last_step_done()));
    on_engine([this, verdict] { verified(verdict); });
  });
}

void RepairRun::recheck(std::uint64_t incident_id) {
  incident_id_ = incident_id;
  rechecking_ = true;
  verify();
}

void RepairRun::tick() {
  if (!next_verify_ || stop_.stop_requested()) return;
  if (host_.clock.steady() >= *next_verify_) verify();
}

void RepairRun::verified(Result<v1::Verdict> result) {
  auto verdict = result ? *result : v1::Verdict{};
  if (!result) {
    verdict.set_result(v1::Verdict::RESULT_NOT_KNOWN_YET);
    verdict.set_summary(to_string(result.error()));
  }
  if (verdict.has_probe() && on_probe_) on_probe_(verdict.probe());
  if (verdict.result() == v1::Verdict::RESULT_REPAIRED) return repaired(verdict);
  if (rechecking_) return finish();
  if (verdict.result() == v1::Verdict::RESULT_NOT_REPAIRED) return not_repaired(verdict);

  if (host_.clock.steady() >= verify_until_) {
    return not_repaired(not_repaired_because(
        fmt::format("not healthy {} after the last step: {}", to_human(k_verification_window), verdict.summary())));
  }
  if (verdict.summary() != last_verdict_) {
    last_verdict_ = verdict.summary();
    v1::JournalEntry entry;
    entry.set_incident_id(incident_id_);
    entry.mutable_verified()->set_rung(incident()->repair().rung());
    *entry.mutable_verified()->mutable_verdict() = verdict;
    if (!record({entry})) return finish();
  }
  const auto pause = std::clamp<Duration>(from_proto(verdict.ask_again_in()), k_min_ask_again, k_max_ask_again);
  next_verify_ = host_.clock.steady() + pause;
  if (on_due_) on_due_();
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

void RepairRun::not_repaired(const v1::Verdict& verdict) {
  v1::JournalEntry entry;
  entry.set_incident_id(incident_id_);
  entry.mutable_verified()->set_rung(incident()->repair().rung());
  *entry.mutable_verified()->mutable_verdict() = verdict;
  if (!record({entry})) return finish();

  const auto now = incident();
  const auto next = next_rung(now->repair());
  if (!next) return undo(verdict.summary(), v1::INCIDENT_STATE_ROLLED_BACK);
  const auto& rung = now->repair().plan().rungs(static_cast<int>(*next) - 1);
  if (!needs_approval(rung, now->diagnosis().fault_id())) return start_rung(*next, "");
  ask(nullptr, fmt::format("{}. The next rung waits for approval: {}", verdict.summary(), rung.reason()));
}

// --- undoing ---

void RepairRun::roll_back(std::uint64_t incident_id, const std::string& reason) {
  incident_id_ = incident_id;
  undo(reason, v1::INCIDENT_STATE_ESCALATED);
}

void RepairRun::undo(const std::string& reason, v1::IncidentState then) {
  on_worker([this, now = incident(), reason, then] {
    const auto blocked = executor_.undo(*now);
    on_engine([this, blocked, reason, then] { undone(blocked, reason, then); });
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

void RepairRun::resume(std::uint64_t incident_id) {
  incident_id_ = incident_id;
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
  const auto recorded = ledger_.record(std::move(entries));
  if (!recorded)
    log::error("the repair of incident {} cannot be recorded: {}", incident_id_, to_string(recorded.error()));
  return recorded.has_value();
}

void RepairRun::finish() {
  const auto ended = std::exchange(incident_id_, 0);
  rechecking_ = false;
  next_verify_.reset();
  if (on_idle_) on_idle_(ended);
}

}  // namespace rdpmend
