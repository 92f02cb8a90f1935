// The RPCs that the engine has to do something for.
#include <set>

#include "service/rpc/agent_service.hpp"
#include "service/rpc/requests.hpp"
#include "service/rpc/roles.hpp"
#include "service/selftest/selftest.hpp"

namespace rdpmend {

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

AgentService::Unary* AgentService::GetHealth(Context*, const v1::GetHealthRequest* request,
                                             v1::GetHealthResponse* response) {
  auto call = PendingCall<v1::GetHealthResponse>::begin(response, reads_);
  const auto max_age = from_proto(request->max_age());
  if (max_age < Duration::zero()) {
    return call->refuse(
        {ErrorCode::invalid_argument, "max_age is negative", "Leave it out to have the host looked at now.", {}});
  }
  parts_.engine.health(
      max_age, [call](auto result) { call->answer(std::move(result)); }, [call] { return !call->answered(); });
  return call.get();
}

AgentService::Unary* AgentService::SelfTest(Context*, const v1::SelfTestRequest*, v1::SelfTestResponse* response) {
  auto call = PendingCall<v1::SelfTestResponse>::begin(response, reads_);
  parts_.engine.self_test([](const HostView& host) { return check_all(host); },
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

AgentService::Unary* AgentService::Act(Context* context, const v1::ActRequest* request, v1::ActResponse* response) {
  auto call = PendingCall<v1::ActResponse>::begin(response, reads_);
  const auto identity = guard_.identify(*context->auth_context());
  if (!identity) return call->refuse(identity.error());
  auto client = guard_.client(*context->auth_context());
  if (!client) return call->refuse(client.error());
  if (const auto valid = check_act(*request); !valid) return call->refuse(valid.error());
  const auto& verb = *verb_of(*request);
  if (const auto may = check_role(*identity, verb.message_type()->name(), required_role(verb)); !may)
    return call->refuse(may.error());
  parts_.engine.act(*request, std::move(*client), [call](Result<v1::Incident> incident) {
    if (!incident) return call->fail(incident.error());
    v1::ActResponse answer;
    *answer.mutable_incident() = std::move(*incident);
    call->answer(std::move(answer));
  });
  return call.get();
}

}  // namespace rdpmend
