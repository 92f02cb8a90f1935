// The RPCs that the engine has to do something for.
#include <set>

#include "service/rpc/agent_service.hpp"
#include "service/rpc/requests.hpp"
#include "service/selftest/selftest.hpp"

namespace rdpmend {

namespace {

// The first of the checks that failed.
Status all(std::initializer_list<Status> checks) {
  for (const auto& check : checks)
    if (!check) return check;
  return {};
}

}  // namespace

AgentService::Unary* AgentService::Diagnose(Context*, const v1::DiagnoseRequest* request,
                                            v1::DiagnoseResponse* response) {
  auto call = PendingCall<v1::DiagnoseResponse>::begin(response, reads_);
  const std::set<std::string> ids(request->fault_ids().begin(), request->fault_ids().end());
  for (const auto& id : ids) {
    if (const auto known = check_fault_id(id, parts_.catalogue); !known) return call->refuse(known.error());
  }
  parts_.engine.diagnose(
      {ids.begin(), ids.end()}, [call](auto result) { call->answer(std::move(result)); },
      [call] { return !call->answered(); });
  return call.get();
}

AgentService::Unary* AgentService::SelfTest(Context*, const v1::SelfTestRequest*, v1::SelfTestResponse* response) {
  auto call = PendingCall<v1::SelfTestResponse>::begin(response, reads_);
  parts_.engine.self_test([](const HostView& host) { return to_message(check_all(host)); },
                          [call](auto result) { call->answer(std::move(result)); },
                          [call] { return !call->answered(); });
  return call.get();
}

AgentService::Unary* AgentService::PlanRepair(Context*, const v1::PlanRepairRequest* request,
                                              v1::PlanRepairResponse* response) {
  auto call = PendingCall<v1::PlanRepairResponse>::begin(response, reads_);
  if (const auto known = check_fault_id(request->fault_id(), parts_.catalogue); !known)
    return call->refuse(known.error());
  parts_.engine.plan_repair(
      request->fault_id(), [call](auto result) { call->answer(std::move(result)); },
      [call] { return !call->answered(); });
  return call.get();
}

template <class Request>
AgentService::Unary* AgentService::act(AdminCommand::Verb verb, Context* context, const Request& request,
                                       std::string plan_id, v1::ActionResponse* response) {
  auto call = PendingCall<v1::ActionResponse>::begin(response, reads_);
  auto client = guard_.client(*context->auth_context());
  if (!client) return call->refuse(client.error());
  const auto valid = all({check_incident_id(request.incident_id()), check_request_id(request.request_id()),
                          check_comment(request.comment()), check_plan_id(plan_id)});
  if (!valid) return call->refuse(valid.error());

  AdminCommand command{
      verb, request.incident_id(), request.request_id(), std::move(*client), request.comment(), std::move(plan_id)};
  parts_.engine.act(std::move(command), [call](Result<v1::Incident> incident) {
    if (!incident) return call->fail(incident.error());
    v1::ActionResponse answer;
    *answer.mutable_incident() = std::move(*incident);
    call->answer(std::move(answer));
  });
  return call.get();
}

AgentService::Unary* AgentService::Repair(Context* context, const v1::RepairRequest* request,
                                          v1::ActionResponse* response) {
  return act(AdminCommand::Verb::repair, context, *request, "", response);
}

AgentService::Unary* AgentService::Approve(Context* context, const v1::ApproveRequest* request,
                                           v1::ActionResponse* response) {
  return act(AdminCommand::Verb::approve, context, *request, request->plan_id(), response);
}

AgentService::Unary* AgentService::Rollback(Context* context, const v1::RollbackRequest* request,
                                            v1::ActionResponse* response) {
  return act(AdminCommand::Verb::rollback, context, *request, "", response);
}

AgentService::Unary* AgentService::Dismiss(Context* context, const v1::DismissRequest* request,
                                           v1::ActionResponse* response) {
  return act(AdminCommand::Verb::dismiss, context, *request, "", response);
}

}  // namespace rdpmend
