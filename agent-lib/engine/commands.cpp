#include "agent-lib/engine/commands.hpp"

#include <fmt/format.h>

#include "agent-lib/engine/repairs.hpp"
#include "agent-lib/record/ledger.hpp"
#include "agent-lib/support/log.hpp"

namespace rdpmend {

namespace {

Error no_such_incident(std::uint64_t id) {
  return {
      ErrorCode::not_found, fmt::format("there is no incident {}", id), "'rdpmend incidents --all' lists them.", {}};
}

Error not_running() {
  return {ErrorCode::unavailable, "the service is stopping", "Try again when it runs.", {}};
}

Status check_repair(const v1::Incident& incident) {
  if (is_closed(incident.state())) {
    return fail(ErrorCode::conflict,
                fmt::format("incident {} is closed: {}", incident.id(), to_string(incident.state())));
  }
  if (incident.state() == v1::INCIDENT_STATE_AWAITING_APPROVAL) {
    return fail(ErrorCode::conflict, fmt::format("incident {} waits for approval", incident.id()),
                fmt::format("Read the plan with 'rdpmend show {0}', then 'rdpmend approve {0}'.", incident.id()));
  }
  if (!incident.diagnosis().repairable()) {
    return fail(ErrorCode::conflict,
                fmt::format("{} cannot be repaired by the service here", incident.diagnosis().fault_id()),
                incident.diagnosis().advice());
  }
  return {};
}

Status check_approve(const v1::Incident& incident, const std::string& plan_id) {
  if (incident.state() != v1::INCIDENT_STATE_AWAITING_APPROVAL) {
    return fail(ErrorCode::conflict, fmt::format("incident {} is {}: nothing waits for approval", incident.id(),
                                                 to_string(incident.state())));
  }
  const auto& waiting = incident.repair().plan().id();
  if (!plan_id.empty() && plan_id != waiting) {
    return fail(ErrorCode::conflict, fmt::format("the plan is {} by now, not {}", waiting, plan_id),
                fmt::format("Read it with 'rdpmend show {}' and approve that.", incident.id()));
  }
  return {};
}

Status check_rollback(const v1::Incident& incident) {
  if (has_written(incident.repair())) return {};
  return fail(ErrorCode::conflict,
              fmt::format("incident {} is {}: there is nothing to undo", incident.id(), to_string(incident.state())));
}

Status check_dismiss(const v1::Incident& incident) {
  if (is_closed(incident.state())) {
    return fail(ErrorCode::conflict,
                fmt::format("incident {} is closed already: {}", incident.id(), to_string(incident.state())));
  }
  if (!incident.repair().has_ended() && has_written(incident.repair())) {
    return fail(ErrorCode::conflict,
                fmt::format("the repair of incident {} is not over: some of its steps are applied", incident.id()),
                "Approve the next rung, or roll back first.");
  }
  return {};
}

}  // namespace

Commands::Commands(const Clock& clock, Ledger& ledger, Repairs& repairs)
    : clock_(clock), ledger_(ledger), repairs_(repairs) {}

Result<v1::Incident> Commands::act(const AdminCommand& command) {
  const auto incident = ledger_.incident(command.incident_id);
  if (incident == nullptr) return fail(no_such_incident(command.incident_id));
  if (was_carried_out(command.request_id)) return *incident;
  if (stopping_) return fail(not_running());
  if (auto allowed = check(command, *incident); !allowed) return fail(allowed.error());
  if (auto recorded = record_command(command); !recorded) return fail(recorded.error());
  carry_out(command, *incident);
  return *ledger_.incident(command.incident_id);
}

Result<v1::OutsideProbe> Commands::report_probe(ProbeTold told) {
  if (told.incident_id != 0 && ledger_.incident(told.incident_id) == nullptr)
    return fail(no_such_incident(told.incident_id));
  if (was_carried_out(told.request_id)) {
    const bool newest = told.request_id == last_told_.request_id;
    return newest ? last_told_.probe : std::move(told.probe);
  }
  if (stopping_) return fail(not_running());
  *told.probe.mutable_received() = to_proto(clock_.now());
  if (auto recorded = record_told(told); !recorded) return fail(recorded.error());
  last_told_ = std::move(told);
  if (on_told_) on_told_(last_told_.probe);
  return last_told_.probe;
}

Status Commands::check(const AdminCommand& command, const v1::Incident& incident) const {
  using Verb = AdminCommand::Verb;
  if (repairs_.under_way(incident.id())) {
    return fail(ErrorCode::conflict, fmt::format("incident {} is being repaired", incident.id()),
                "Wait until it is done: 'rdpmend watch' shows how far it is.");
  }
  switch (command.verb) {
    case Verb::repair: return check_repair(incident);
    case Verb::approve: return check_approve(incident, command.plan_id);
    case Verb::rollback:
      if (auto allowed = check_rollback(incident); !allowed) return allowed;
      return check_no_other_open(incident);
    case Verb::dismiss: return check_dismiss(incident);
  }
  return {};
}

Status Commands::check_no_other_open(const v1::Incident& incident) const {
  const auto& diagnosis = incident.diagnosis();
  const auto open =
      ledger_.read([&](const IncidentBook& book) { return book.find_open(diagnosis.fault_id(), diagnosis.subject()); });
  if (open == nullptr || open->id() == incident.id()) return {};
  return fail(ErrorCode::conflict, fmt::format("a newer incident {} about the same is open", open->id()),
              "Roll back or dismiss that one first.");
}

bool Commands::was_carried_out(const std::string& request_id) const {
  return ledger_.read([&](const IncidentBook& book) { return book.knows_request(request_id); });
}

Status Commands::record_command(const AdminCommand& command) {
  return ledger_.record(command.incident_id, [&](v1::JournalEntry& entry) {
    constexpr std::string_view k_names[] = {"Repair", "Approve", "Rollback", "Dismiss"};
    auto& action = *entry.mutable_admin_action();
    action.set_client(command.client);
    action.set_method(std::string(k_names[static_cast<std::size_t>(command.verb)]));
    action.set_request_id(command.request_id);
    action.set_comment(command.comment);
  });
}

// The action holds the request's id, so that a replay of the journal knows it.
Status Commands::record_told(const ProbeTold& told) {
  std::vector<v1::JournalEntry> entries(2);
  auto& action = *entries[0].mutable_admin_action();
  action.set_client(told.probe.client());
  action.set_method("ReportProbe");
  action.set_request_id(told.request_id);
  *entries[1].mutable_outside_probe() = told.probe;
  for (auto& entry : entries) entry.set_incident_id(told.incident_id);
  return ledger_.record(std::move(entries));
}

void Commands::carry_out(const AdminCommand& command, const v1::Incident& incident) {
  using Verb = AdminCommand::Verb;
  switch (command.verb) {
    case Verb::repair: repairs_.begin(incident.id(), false); break;
    case Verb::approve: repairs_.approve(incident.id(), command.client); break;
    case Verb::rollback: repairs_.roll_back(incident.id(), "rolled back by " + command.client); break;
    case Verb::dismiss: dismiss(incident, command.client); break;
  }
}

void Commands::dismiss(const v1::Incident& incident, const std::string& client) {
  const auto recorded = ledger_.record(incident.id(), [&](v1::JournalEntry& entry) {
    auto& change = *entry.mutable_incident_state_changed();
    change.set_from(incident.state());
    change.set_to(v1::INCIDENT_STATE_DISMISSED);
    change.set_reason("dismissed by " + client);
  });
  if (!recorded) log::error("incident {} cannot be dismissed: {}", incident.id(), to_string(recorded.error()));
}

}  // namespace rdpmend
