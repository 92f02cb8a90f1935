#include "cli/format/entry_line.hpp"

#include <fmt/format.h>

#include <utility>

#include "cli/format/words.hpp"

namespace rdpmend::cli {

namespace {

// ": reason", or nothing.
std::string colon(const std::string& reason) {
  return reason.empty() ? "" : ": " + reason;
}

EntryLine started(const v1::ServiceStarted& body) {
  auto text = fmt::format("service {} started on {} ({})", body.version(), body.host_name(), body.host_kind());
  for (const auto& what : body.degraded()) text += "; degraded: " + what;
  return {text, body.degraded().empty() ? Style::plain : Style::warn};
}

EntryLine signal_raised(const v1::Signal& signal) {
  auto text = "signal: " + describe(signal);
  if (!signal.rule_id().empty()) text += fmt::format(" ({})", signal.rule_id());
  if (!signal.fault_ids().empty()) text += fmt::format(", points to {}", fmt::join(signal.fault_ids(), ", "));
  return {text};
}

EntryLine rung_started(const v1::RungStarted& body) {
  if (body.approved_by().empty()) return {fmt::format("rung {} begins", body.rung())};
  return {fmt::format("rung {} begins, approved by {}", body.rung(), body.approved_by())};
}

EntryLine step_failed(const v1::StepFailed& body) {
  const bool conflict = body.cause() == v1::StepFailed::CAUSE_CONFLICT;
  return {fmt::format("step {} {}{}", body.step_number(), conflict ? "stopped by a conflict" : "failed",
                      colon(body.error())),
          Style::bad};
}

EntryLine step_undone(const v1::StepUndone& body) {
  return {fmt::format("step {} undone{}", body.step_number(),
                      colon(body.detail().empty() ? body.description() : body.detail())),
          Style::warn};
}

EntryLine admin_action(const v1::AdminAction& body) {
  const auto from = body.peer().empty() ? "" : fmt::format(" from {}", body.peer());
  return {fmt::format("{}{} asked for {}{}", body.client(), from, body.method(), colon(body.comment())), Style::bold};
}

EntryLine loan_begun(const v1::Loan& loan) {
  return {fmt::format("{} is relaxed until {} by {} ({}){}", to_string(loan.kind()), date_time(loan.ends()),
                      loan.asked_by(), loan.why(), colon(loan.step().description())),
          Style::warn};
}

EntryLine loan_rescheduled(const v1::LoanRescheduled& body) {
  return {fmt::format("loan {} ends at {} by order of {}{}", body.loan_id(), date_time(body.ends()), body.asked_by(),
                      colon(body.why())),
          Style::warn};
}

EntryLine loan_ended(const v1::LoanEnded& body) {
  const bool returned = body.outcome() == v1::LoanEnded::OUTCOME_RETURNED;
  return {fmt::format("loan {} ended, {}{}", body.loan_id(), to_string(body.outcome()), colon(body.reason())),
          returned ? Style::good : Style::bad};
}

}  // namespace

// A plan's summary or a verdict is the reason of the entries that follow from it: told once.
std::string EntryNarrator::because(const std::string& reason) {
  if (reason == last_reason_) return "";
  last_reason_ = reason;
  return colon(reason);
}

EntryLine EntryNarrator::plan_made(const v1::Plan& plan) {
  int steps = 0;
  for (const auto& rung : plan.rungs()) steps += rung.steps_size();
  if (steps == 0) return {fmt::format("plan {}: nothing to write{}", plan.id(), because(plan.advice())), Style::warn};
  return {fmt::format("plan {} of {}{}", plan.id(), count_of(static_cast<std::uint64_t>(steps), "step"),
                      because(plan.summary()))};
}

EntryLine EntryNarrator::verified(const v1::Verdict& verdict) {
  return {"verdict " + to_string(verdict.result()) + because(verdict.summary()), style_of(verdict.result())};
}

EntryLine EntryNarrator::repair_ended(const v1::RepairEnded& body) {
  const bool repaired = body.outcome() == v1::RepairEnded::OUTCOME_REPAIRED;
  return {"repair ended, " + to_string(body.outcome()) + because(body.reason()), repaired ? Style::good : Style::bad};
}

EntryLine EntryNarrator::state_changed(const v1::IncidentStateChanged& body) {
  return {to_string(body.to()) + because(body.reason()), style_of(body.to())};
}

EntryLine EntryNarrator::tell(const v1::JournalEntry& entry) {
  if (entry.incident_id() != 0 && std::exchange(last_incident_, entry.incident_id()) != entry.incident_id()) {
    last_reason_.clear();
  }
  switch (entry.body_case()) {
    case v1::JournalEntry::kServiceStarted: return started(entry.service_started());
    case v1::JournalEntry::kServiceStopped: return {"service stopped" + colon(entry.service_stopped().reason())};
    case v1::JournalEntry::kSignalRaised: return signal_raised(entry.signal_raised().signal());
    case v1::JournalEntry::kEventGap:
      return {
          fmt::format("events of {} may be missing{}", entry.event_gap().channel(), colon(entry.event_gap().reason())),
          Style::warn};
    case v1::JournalEntry::kIncidentOpened: {
      const auto& diagnosis = entry.incident_opened().diagnosis();
      return {fmt::format("opened, {}: {}", diagnosis.fault_id(), diagnosis.summary()), Style::warn};
    }
    case v1::JournalEntry::kIncidentUpdated:
      return {"diagnosed again: " + entry.incident_updated().diagnosis().summary()};
    case v1::JournalEntry::kIncidentStateChanged: return state_changed(entry.incident_state_changed());
    case v1::JournalEntry::kPlanMade: return plan_made(entry.plan_made().plan());
    case v1::JournalEntry::kRepairStarted:
      return {fmt::format("repair begins: plan {}, attempt {}, state of {} kept for undo",
                          entry.repair_started().plan_id(), entry.repair_started().attempt(),
                          count_of(static_cast<std::uint64_t>(entry.repair_started().snapshot_size()), "step"))};
    case v1::JournalEntry::kRungStarted: return rung_started(entry.rung_started());
    case v1::JournalEntry::kStepIntended:
      return {fmt::format("step {} begins{}", entry.step_intended().step_number(),
                          colon(entry.step_intended().description())),
              Style::dim};
    case v1::JournalEntry::kStepDone:
      return {fmt::format("step {} done{}", entry.step_done().step_number(), colon(entry.step_done().description())),
              Style::good};
    case v1::JournalEntry::kStepFailed: return step_failed(entry.step_failed());
    case v1::JournalEntry::kStepUndone: return step_undone(entry.step_undone());
    case v1::JournalEntry::kStepUndoBlocked:
      return {fmt::format("step {} cannot be undone{}", entry.step_undo_blocked().step_number(),
                          colon(entry.step_undo_blocked().reason())),
              Style::bad};
    case v1::JournalEntry::kVerified: return verified(entry.verified().verdict());
    case v1::JournalEntry::kRepairEnded: return repair_ended(entry.repair_ended());
    case v1::JournalEntry::kAdminAction: return admin_action(entry.admin_action());
    case v1::JournalEntry::kInternalError:
      return {fmt::format("internal error in {}: {}", entry.internal_error().where(), entry.internal_error().what()),
              Style::bad};
    case v1::JournalEntry::kServiceTrouble:
      return {fmt::format("trouble with {}{}", entry.service_trouble().part(), colon(entry.service_trouble().what())),
              Style::warn};
    case v1::JournalEntry::kLookFailed:
      return {fmt::format("{} could not be looked at{}", entry.fault_id(), colon(entry.look_failed().reason())),
              Style::warn};
    case v1::JournalEntry::kBaselineTaken: {
      const auto& baseline = entry.baseline_taken().baseline();
      return {
          fmt::format("the host is healthy: {}, {} and {} kept as its baseline",
                      count_of(static_cast<std::uint64_t>(baseline.services_size()), "service"),
                      count_of(static_cast<std::uint64_t>(baseline.settings_size()), "setting"),
                      count_of(static_cast<std::uint64_t>(baseline.enabled_firewall_rules_size()), "firewall rule")),
          Style::dim};
    }
    case v1::JournalEntry::kCheckpoint:
      return {fmt::format("checkpoint with {}",
                          count_of(static_cast<std::uint64_t>(entry.checkpoint().incidents_size()), "incident")),
              Style::dim};
    case v1::JournalEntry::kPruned:
      return {fmt::format("entries #{} to #{} were removed because of age or size", entry.pruned().first_seq(),
                          entry.pruned().last_seq()),
              Style::dim};
    case v1::JournalEntry::kOutsideProbe: {
      const auto& body = entry.outside_probe();
      return {
          fmt::format("{} probed the listener from {}{}", body.client(), body.peer(), colon(body.report().detail())),
          body.report().outcome() == v1::PROBE_OUTCOME_OK ? Style::good : Style::warn};
    }
    case v1::JournalEntry::kChannelReopened:
      return {fmt::format("subscription to {} opened anew{}", entry.channel_reopened().channel(),
                          colon(entry.channel_reopened().reason())),
              Style::warn};
    case v1::JournalEntry::kConnectionLimited: {
      const auto& body = entry.connection_limited();
      return {fmt::format("{} cut off{}", body.client().empty() ? "strangers" : body.client(), colon(body.reason())),
              Style::warn};
    }
    case v1::JournalEntry::kLoanBegun: return loan_begun(entry.loan_begun().loan());
    case v1::JournalEntry::kLoanRescheduled: return loan_rescheduled(entry.loan_rescheduled());
    case v1::JournalEntry::kLoanOverdue:
      return {fmt::format("loan {} is overdue and cannot be given back{}", entry.loan_overdue().loan_id(),
                          colon(entry.loan_overdue().error())),
              Style::bad};
    case v1::JournalEntry::kLoanEnded: return loan_ended(entry.loan_ended());
    case v1::JournalEntry::BODY_NOT_SET: break;
  }
  return {"an entry of a kind not known to this version of rdpmend", Style::dim};
}

void EntryNarrator::print(Page& page, const v1::JournalEntry& entry) {
  if (auto today = date(entry.time()); today != date_) {
    date_ = std::move(today);
    page.text(date_ + " (UTC)", 0, Style::dim);
  }
  const auto line = tell(entry);
  std::vector<Span> prefix{{fmt::format("{}  #{:<4} ", time_of_day(entry.time()), entry.seq()), Style::dim}};
  if (entry.incident_id() != 0) prefix.push_back({fmt::format("incident {}  ", entry.incident_id())});
  page.hang(prefix, line.text, line.style);
}

}  // namespace rdpmend::cli
