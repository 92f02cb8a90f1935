// The RPCs that look at what the service already knows: snapshot, catalogue, journal.
#include <fmt/format.h>

#include "agent-lib/record/words.hpp"
#include "service/rpc/agent_service.hpp"
#include "service/rpc/open_incidents.hpp"
#include "service/rpc/requests.hpp"
#include "service/rpc/roles.hpp"
#include "service/rpc/status_map.hpp"

namespace rdpmend {

namespace {

grpc::ServerUnaryReactor* finish(grpc::CallbackServerContext* context, const Status& status) {
  auto* reactor = context->DefaultReactor();
  reactor->Finish(status ? grpc::Status::OK : to_grpc_status(status.error()));
  return reactor;
}

bool open(const v1::Incident& incident) {
  return !is_closed(incident.state());
}

void describe_journal(const JournalRange& range, v1::GetStatusResponse& response) {
  response.set_journal_first_seq(range.first_seq);
  response.set_journal_last_seq(range.last_seq);
  response.set_journal_bytes(range.bytes);
}

void describe_engine(const EngineSnapshot& snapshot, v1::GetStatusResponse& response) {
  *response.mutable_started() = to_proto(snapshot.started);
  response.set_breaker_open(snapshot.breaker_open);
  for (const auto& what : snapshot.degraded) response.add_degraded(what);
  if (snapshot.last_sweep) *response.mutable_last_sweep() = to_proto(*snapshot.last_sweep);
  if (snapshot.last_probe) {
    *response.mutable_last_probe() = *snapshot.last_probe;
    // Its thumbprints and dates say enough: status is asked for often, and this is most of its size.
    if (snapshot.last_probe->has_certificate()) response.mutable_last_probe()->mutable_certificate()->clear_der();
    response.set_rdp_address(snapshot.last_probe->host() + ":" + std::to_string(snapshot.last_probe->port()));
  }
  if (snapshot.last_outside_probe) *response.mutable_last_outside_probe() = *snapshot.last_outside_probe;
  for (const auto& loan : snapshot.loans) {
    *response.add_loans() = loan;
    if (!loan.trouble().empty())
      response.add_degraded(fmt::format("loan {} is overdue and cannot be given back: {}", loan.id(), loan.trouble()));
  }
  describe_open(snapshot.incidents, response);
}

}  // namespace

AgentService::AgentService(AgentServiceParts parts, CallGuard& guard, WatchHub& hub, asio::any_io_executor reads,
                           asio::any_io_executor audits)
    : parts_(std::move(parts)), guard_(guard), hub_(hub), reads_(std::move(reads)), audits_(std::move(audits)) {}

AgentService::Unary* AgentService::GetStatus(Context* context, const v1::GetStatusRequest*,
                                             v1::GetStatusResponse* response) {
  const auto caller = guard_.identify(*context->auth_context());
  if (!caller) return finish(context, fail(caller.error()));
  response->set_client_name(caller->name);
  response->set_client_role(std::string(to_word(caller->role)));
  response->set_version(parts_.version);
  response->set_host_name(parts_.host.name);
  response->set_host_kind(parts_.host.kind);
  response->set_rdp_address(parts_.rdp_address);
  *response->mutable_now() = to_proto(parts_.clock.now());
  describe_journal(parts_.journal.range(), *response);
  describe_engine(*parts_.engine.snapshot(), *response);
  if (parts_.degraded_now) {
    for (auto& what : parts_.degraded_now()) response->add_degraded(std::move(what));
  }
  if (parts_.channels) {
    for (auto& channel : parts_.channels()) *response->add_channels() = std::move(channel);
  }
  return finish(context, {});
}

AgentService::Unary* AgentService::ListFaults(Context* context, const v1::ListFaultsRequest*,
                                              v1::ListFaultsResponse* response) {
  for (const auto& fault : parts_.catalogue.faults()) {
    auto* entry = response->add_faults();
    *entry->mutable_info() = fault;
    entry->set_mode(parts_.engine.mode_of(fault.id()));
    for (const auto* rule : parts_.catalogue.rules_for(fault.id())) *entry->add_rules() = *rule;
  }
  return finish(context, {});
}

AgentService::Unary* AgentService::ListIncidents(Context* context, const v1::ListIncidentsRequest* request,
                                                 v1::ListIncidentsResponse* response) {
  const auto before = parse_page_token(request->page_token());
  if (!before) return finish(context, fail(before.error()));
  const auto most = page_size(request->page_size(), 50, 200);
  const auto snapshot = parts_.engine.snapshot();
  std::size_t bytes = 0;
  for (auto newest = snapshot->incidents.rbegin(); newest != snapshot->incidents.rend(); ++newest) {
    const auto& [id, incident] = *newest;
    if (id >= *before || (!request->include_closed() && !open(*incident))) continue;
    bytes += incident->ByteSizeLong();
    const auto listed = static_cast<std::size_t>(response->incidents_size());
    if (listed == most || (listed > 0 && bytes > k_max_page_bytes)) {
      response->set_next_page_token(std::to_string(response->incidents().rbegin()->id()));
      break;
    }
    *response->add_incidents() = *incident;
  }
  return finish(context, {});
}

AgentService::Unary* AgentService::GetIncident(Context* context, const v1::GetIncidentRequest* request,
                                               v1::GetIncidentResponse* response) {
  if (const auto valid = check_incident_id(request->id()); !valid) return finish(context, valid);
  const auto snapshot = parts_.engine.snapshot();
  const auto found = snapshot->incidents.find(request->id());
  if (found == snapshot->incidents.end()) {
    return finish(context,
                  fail(ErrorCode::not_found, "there is no incident " + std::to_string(request->id()),
                       "'rdpmend incidents --all' lists those that are known; older ones may be in the journal."));
  }
  *response->mutable_incident() = *found->second;
  return finish(context, {});
}

AgentService::Unary* AgentService::ReadJournal(Context*, const v1::ReadJournalRequest* request,
                                               v1::ReadJournalResponse* response) {
  auto call = PendingCall<v1::ReadJournalResponse>::begin(response, reads_);
  if (!request->verify()) {
    asio::post(reads_, [this, call, asked = *request] {
      if (!call->answered()) call->answer(read_journal(asked));
    });
    return call.get();
  }
  if (auditing_.exchange(true)) {
    return call->refuse(
        {ErrorCode::unavailable, "the journal is being verified already", "Try again when that is done.", {}});
  }
  asio::post(audits_, [this, call, asked = *request] {
    auto audited = read_and_audit(asked);
    auditing_ = false;
    call->answer(std::move(audited));
  });
  return call.get();
}

Result<v1::ReadJournalResponse> AgentService::read_and_audit(const v1::ReadJournalRequest& request) {
  auto response = read_journal(request);
  if (!response) return response;
  auto broken = parts_.verify_chain(stop_.get_token());
  if (!broken) return fail(std::move(broken.error()).context("cannot check the journal"));
  response->set_chain_error(std::move(*broken));
  return response;
}

Result<v1::ReadJournalResponse> AgentService::read_journal(const v1::ReadJournalRequest& request) const {
  if (const auto valid = check_cursor(request.after_seq(), parts_.journal.range().last_seq); !valid)
    return fail(valid.error());
  const auto most = page_size(request.page_size(), 100, 500);
  auto entries = parts_.journal.read_stored(request.after_seq(), most, request.incident_id());
  if (!entries) return fail(std::move(entries.error()).context("cannot read the journal"));

  v1::ReadJournalResponse response;
  bool full = entries->size() == most;
  std::size_t bytes = 0;
  for (auto& entry : *entries) {
    bytes += entry.ByteSizeLong();
    if (response.entries_size() > 0 && bytes > k_max_page_bytes) {
      full = true;
      break;
    }
    *response.add_entries() = std::move(entry);
  }
  if (full) response.set_next_after_seq(response.entries().rbegin()->seq());
  return response;
}

grpc::ServerWriteReactor<v1::WatchResponse>* AgentService::Watch(Context* context, const v1::WatchRequest* request) {
  auto caller = guard_.caller(*context->auth_context());
  if (!caller) return hub_.refuse(caller.error());
  return hub_.watch(*request, [this, certificate = std::move(caller->certificate_pem)]() -> Status {
    const auto identity = guard_.authenticate(certificate);
    return identity ? Status{} : fail(identity.error());
  });
}

}  // namespace rdpmend
