#include "service/event_log/event_messages.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent-lib/support/time.hpp"

namespace rdpmend {

namespace {

constexpr auto k_informational = EventSeverity::informational;
constexpr auto k_warning = EventSeverity::warning;
constexpr auto k_error = EventSeverity::error;

constexpr EventKind k_started{100, k_informational, "RDPMEND_SERVICE_STARTED", 3};
constexpr EventKind k_started_degraded{101, k_warning, "RDPMEND_SERVICE_STARTED_DEGRADED", 4};
constexpr EventKind k_stopped{102, k_informational, "RDPMEND_SERVICE_STOPPED", 2};
constexpr EventKind k_could_not_start{103, k_error, "RDPMEND_SERVICE_COULD_NOT_START", 1};
constexpr EventKind k_internal_error{104, k_error, "RDPMEND_INTERNAL_ERROR", 3};
constexpr EventKind k_events_missed{105, k_warning, "RDPMEND_EVENTS_MISSED", 3};
constexpr EventKind k_look_failed{106, k_warning, "RDPMEND_LOOK_FAILED", 3};
constexpr EventKind k_trouble{107, k_error, "RDPMEND_SERVICE_TROUBLE", 3};
constexpr EventKind k_opened{200, k_warning, "RDPMEND_INCIDENT_OPENED", 4};
constexpr EventKind k_approval_needed{201, k_warning, "RDPMEND_APPROVAL_NEEDED", 4};
constexpr EventKind k_repair_started{202, k_informational, "RDPMEND_REPAIR_STARTED", 4};
constexpr EventKind k_repaired{203, k_informational, "RDPMEND_REPAIRED", 4};
constexpr EventKind k_rolled_back{204, k_warning, "RDPMEND_ROLLED_BACK", 4};
constexpr EventKind k_rollback_blocked{205, k_error, "RDPMEND_ROLLBACK_BLOCKED", 4};
constexpr EventKind k_escalated{206, k_error, "RDPMEND_ESCALATED", 4};
constexpr EventKind k_dismissed{207, k_informational, "RDPMEND_DISMISSED", 4};
constexpr EventKind k_cleared{208, k_informational, "RDPMEND_CLEARED", 4};
constexpr EventKind k_command{300, k_informational, "RDPMEND_ADMINISTRATOR_COMMAND", 4};
constexpr EventKind k_loan_begun{400, k_warning, "RDPMEND_LOAN_BEGUN", 5};
constexpr EventKind k_loan_rescheduled{401, k_warning, "RDPMEND_LOAN_RESCHEDULED", 5};
constexpr EventKind k_loan_returned{402, k_informational, "RDPMEND_LOAN_RETURNED", 3};
constexpr EventKind k_loan_blocked{403, k_error, "RDPMEND_LOAN_BLOCKED", 3};
constexpr EventKind k_loan_overdue{404, k_error, "RDPMEND_LOAN_OVERDUE", 3};

constexpr EventKind k_kinds[] = {
    k_started,     k_started_degraded, k_stopped,       k_could_not_start, k_internal_error, k_events_missed,
    k_look_failed, k_trouble,          k_opened,        k_approval_needed, k_repair_started, k_repaired,
    k_rolled_back, k_rollback_blocked, k_escalated,     k_dismissed,       k_cleared,        k_command,
    k_loan_begun,  k_loan_rescheduled, k_loan_returned, k_loan_blocked,    k_loan_overdue};

const EventKind* kind_of(v1::IncidentState state) {
  switch (state) {
    case v1::INCIDENT_STATE_AWAITING_APPROVAL: return &k_approval_needed;
    case v1::INCIDENT_STATE_ESCALATED: return &k_escalated;
    case v1::INCIDENT_STATE_DISMISSED: return &k_dismissed;
    case v1::INCIDENT_STATE_CLEARED: return &k_cleared;
    default: return nullptr;  // Told by what led there: RepairStarted, RepairEnded.
  }
}

const EventKind* kind_of(v1::RepairEnded::Outcome outcome) {
  switch (outcome) {
    case v1::RepairEnded::OUTCOME_REPAIRED: return &k_repaired;
    case v1::RepairEnded::OUTCOME_ROLLED_BACK: return &k_rolled_back;
    case v1::RepairEnded::OUTCOME_ROLLBACK_BLOCKED: return &k_rollback_blocked;
    default: return nullptr;
  }
}

const EventKind* kind_of(v1::LoanEnded::Outcome outcome) {
  switch (outcome) {
    case v1::LoanEnded::OUTCOME_RETURNED: return &k_loan_returned;
    case v1::LoanEnded::OUTCOME_BLOCKED: return &k_loan_blocked;
    default: return nullptr;
  }
}

EventMessage started(const v1::ServiceStarted& body, const std::string& seq) {
  if (body.degraded().empty()) return {&k_started, {body.version(), body.host_name(), seq}};
  return {&k_started_degraded,
          {body.version(), body.host_name(), seq, fmt::format("{}", fmt::join(body.degraded(), "\n"))}};
}

}  // namespace

std::span<const EventKind> event_kinds() {
  return k_kinds;
}

std::optional<EventMessage> to_event(const v1::JournalEntry& entry) {
  const auto seq = std::to_string(entry.seq());
  const auto about_incident = [&](const EventKind* kind, const std::string& text) -> std::optional<EventMessage> {
    if (kind == nullptr) return std::nullopt;
    return EventMessage{kind, {entry.fault_id(), text, std::to_string(entry.incident_id()), seq}};
  };
  switch (entry.body_case()) {
    case v1::JournalEntry::kServiceStarted: return started(entry.service_started(), seq);
    case v1::JournalEntry::kServiceStopped: return EventMessage{&k_stopped, {entry.service_stopped().reason(), seq}};
    case v1::JournalEntry::kEventGap:
      return EventMessage{&k_events_missed, {entry.event_gap().channel(), entry.event_gap().reason(), seq}};
    case v1::JournalEntry::kInternalError:
      return EventMessage{&k_internal_error, {entry.internal_error().where(), entry.internal_error().what(), seq}};
    case v1::JournalEntry::kLookFailed:
      return EventMessage{&k_look_failed, {entry.fault_id(), entry.look_failed().reason(), seq}};
    case v1::JournalEntry::kServiceTrouble:
      return EventMessage{&k_trouble, {entry.service_trouble().part(), entry.service_trouble().what(), seq}};
    case v1::JournalEntry::kAdminAction:
      return EventMessage{&k_command,
                          {entry.admin_action().client(), entry.admin_action().method(),
                           entry.admin_action().comment().empty() ? "none" : entry.admin_action().comment(), seq}};
    case v1::JournalEntry::kIncidentOpened:
      return about_incident(&k_opened, entry.incident_opened().diagnosis().summary());
    case v1::JournalEntry::kIncidentStateChanged:
      return about_incident(kind_of(entry.incident_state_changed().to()), entry.incident_state_changed().reason());
    case v1::JournalEntry::kRepairStarted:
      return about_incident(&k_repair_started, fmt::format("plan {}", entry.repair_started().plan_id()));
    case v1::JournalEntry::kLoanBegun: {
      const auto& loan = entry.loan_begun().loan();
      return EventMessage{
          &k_loan_begun,
          {loan.step().description(), loan.asked_by(), to_iso8601(from_proto(loan.ends())), loan.why(), seq}};
    }
    case v1::JournalEntry::kLoanRescheduled: {
      const auto& body = entry.loan_rescheduled();
      return EventMessage{&k_loan_rescheduled,
                          {body.description(), body.asked_by(), to_iso8601(from_proto(body.ends())),
                           body.why().empty() ? "none" : body.why(), seq}};
    }
    case v1::JournalEntry::kLoanOverdue:
      return EventMessage{&k_loan_overdue, {entry.loan_overdue().description(), entry.loan_overdue().error(), seq}};
    case v1::JournalEntry::kLoanEnded: {
      const auto* kind = kind_of(entry.loan_ended().outcome());
      if (kind == nullptr) return std::nullopt;
      return EventMessage{kind, {entry.loan_ended().description(), entry.loan_ended().reason(), seq}};
    }
    case v1::JournalEntry::kRepairEnded:
      return about_incident(kind_of(entry.repair_ended().outcome()), entry.repair_ended().reason());
    default: return std::nullopt;
  }
}

EventMessage journal_trouble(const std::string& what) {
  return {&k_trouble, {"journal", what, "none"}};
}

EventMessage could_not_start(const Error& error) {
  return {&k_could_not_start, {to_string(error)}};
}

}  // namespace rdpmend
