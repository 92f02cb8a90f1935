// What is lent and given back.
#include "service/rpc/agent_service.hpp"
#include "service/rpc/requests.hpp"

namespace rdpmend {

AgentService::Unary* AgentService::Lend(Context* context, const v1::LendRequest* request, v1::LendResponse* response) {
  auto call = PendingCall<v1::LendResponse>::begin(response, reads_);
  auto client = guard_.client(*context->auth_context());
  if (!client) return call->refuse(client.error());
  if (const auto valid = check_lend(*request); !valid) return call->refuse(valid.error());
  parts_.engine.lend(*request, std::move(*client), [call](auto result) { call->answer(std::move(result)); });
  return call.get();
}

AgentService::Unary* AgentService::GiveBack(Context* context, const v1::GiveBackRequest* request,
                                            v1::GiveBackResponse* response) {
  auto call = PendingCall<v1::GiveBackResponse>::begin(response, reads_);
  auto client = guard_.client(*context->auth_context());
  if (!client) return call->refuse(client.error());
  if (const auto valid = check_give_back(*request); !valid) return call->refuse(valid.error());
  parts_.engine.give_back(*request, std::move(*client), [call](auto result) { call->answer(std::move(result)); });
  return call.get();
}

}  // namespace rdpmend
