#include "agent-lib/engine/commands.hpp"

#include <fmt/format.h>

#include "agent-lib/engine/loans.hpp"
#include "agent-lib/engine/repairs.hpp"
#include "agent-lib/record/fold.hpp"
#include "agent-lib/record/ledger.hpp"
#include "agent-lib/record/words.hpp"

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

// What the journal keeps of an order, whatever it is.
v1::AdminAction action_of(const Client& client, const std::string& method, const std::string& request_id) {
  v1::AdminAction action;
  action.set_client(client.name);
  action.set_certificate_sha256(client.certificate_sha256);
  action.set_peer(client.peer);
  action.set_method(method);
  action.set_request_id(request_id);
  return action;
}

}  // namespace

const google::protobuf::FieldDescriptor* verb_of(const v1::ActRequest& request) {
  const auto* verb = v1::ActRequest::descriptor()->FindOneofByName("verb");
  return v1::ActRequest::GetReflection()->GetOneofFieldDescriptor(request, verb);
}

Commands::Commands(const Clock& clock, Ledger& ledger, Repairs& repairs, Loans& loans)
    : clock_(clock), ledger_(ledger), repairs_(repairs), loans_(loans) {}

Result<v1::Incident> Commands::act(const v1::ActRequest& request, const Client& client) {
  const auto incident = ledger_.incident(request.incident_id());
  if (incident == nullptr) return fail(no_such_incident(request.incident_id()));
  if (was_carried_out(request.request_id())) return *incident;
  if (stopping_) return fail(not_running());
  if (auto allowed = check(request, *incident); !allowed) return fail(allowed.error());
  const auto recorded = ledger_.record(incident->id(), [&](v1::JournalEntry& entry) {
    auto& action = *entry.mutable_admin_action();
    action = action_of(client, std::string(verb_of(request)->message_type()->name()), request.request_id());
    action.set_comment(request.comment());
  });
  if (!recorded) return fail(recorded.error());
  carry_out(request, *incident, client.name);
  return *ledger_.incident(incident->id());
}

Result<v1::OutsideProbe> Commands::report_probe(const v1::ReportProbeRequest& request, const Client& client) {
  if (request.incident_id() != 0 && ledger_.incident(request.incident_id()) == nullptr)
    return fail(no_such_incident(request.incident_id()));
  v1::OutsideProbe told;
  told.set_client(client.name);
  told.set_peer(client.peer);
  *told.mutable_report() = request.report();
  if (was_carried_out(request.request_id())) return request.request_id() == last_told_id_ ? last_told_ : told;
  if (stopping_) return fail(not_running());
  *told.mutable_received() = to_proto(clock_.now());
  std::vector<v1::JournalEntry> entries(2);
  // The action holds the request's id, so that a replay of the journal knows it.
  *entries[0].mutable_admin_action() = action_of(client, "ReportProbe", request.request_id());
  *entries[1].mutable_outside_probe() = told;
  for (auto& entry : entries) entry.set_incident_id(request.incident_id());
  if (auto recorded = ledger_.record(std::move(entries)); !recorded) return fail(recorded.error());
  last_told_id_ = request.request_id();
  last_told_ = told;
  if (on_told_) on_told_(told);
  return told;
}

void Commands::lend(const v1::LendRequest& request, const Client& client,
                    std::function<void(Result<v1::LendResponse>)> done) {
  const auto answer_of = [](v1::Loan loan) {
    v1::LendResponse response;
    *response.mutable_loan() = std::move(loan);
    return response;
  };
  if (was_carried_out(request.request_id())) {
    auto loan = loans_.running(request.kind());
    return done(loan ? answer_of(std::move(*loan)) : v1::LendResponse());
  }
  if (stopping_) return done(fail(not_running()));
  auto order = action_of(client, "Lend", request.request_id());
  order.set_comment(request.reason());
  loans_.lend(request.kind(), from_proto(request.duration()), std::move(order),
              [answer_of, done = std::move(done)](Result<v1::Loan> loan) {
                if (!loan) return done(fail(std::move(loan).error()));
                done(answer_of(std::move(*loan)));
              });
}

void Commands::give_back(const v1::GiveBackRequest& request, const Client& client,
                         std::function<void(Result<v1::GiveBackResponse>)> done) {
  auto ended = [done](Status status) {
    if (!status) return done(fail(std::move(status).error()));
    done(v1::GiveBackResponse());
  };
  if (stopping_) return done(fail(not_running()));
  if (was_carried_out(request.request_id())) return loans_.await_end(request.kind(), std::move(ended));
  auto order = action_of(client, "GiveBack", request.request_id());
  order.set_comment(request.comment());
  loans_.give_back(request.kind(), std::move(order), std::move(ended));
}

Status Commands::check(const v1::ActRequest& request, const v1::Incident& incident) const {
  if (repairs_.under_way(incident.id())) {
    return fail(ErrorCode::conflict, fmt::format("incident {} is being repaired", incident.id()),
                "Wait until it is done: 'rdpmend watch' shows how far it is.");
  }
  switch (request.verb_case()) {
    case v1::ActRequest::kRepair: return check_repair(incident);
    case v1::ActRequest::kApprove: return check_approve(incident, request.approve().plan_id());
    case v1::ActRequest::kRollback:
      if (auto allowed = check_rollback(incident); !allowed) return allowed;
      return check_no_other_open(incident);
    case v1::ActRequest::kDismiss: return check_dismiss(incident);
    case v1::ActRequest::VERB_NOT_SET: break;
  }
  return fail(ErrorCode::invalid_argument, "the request orders nothing that this version of the service knows");
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

void Commands::carry_out(const v1::ActRequest& request, const v1::Incident& incident, const std::string& client) {
  switch (request.verb_case()) {
    case v1::ActRequest::kRepair: return repairs_.begin(incident.id(), false);
    case v1::ActRequest::kApprove: return repairs_.approve(incident.id(), client);
    case v1::ActRequest::kRollback: return repairs_.roll_back(incident.id(), "rolled back by " + client);
    case v1::ActRequest::kDismiss:
      (void)ledger_.set_state(incident.id(), v1::INCIDENT_STATE_DISMISSED, "dismissed by " + client);
      return;
    case v1::ActRequest::VERB_NOT_SET: return;
  }
}

}  // namespace rdpmend
