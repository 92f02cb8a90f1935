// ReportProbe: what a client saw of the listener from where it is, the one proof that comes from outside.
#include "service/rpc/agent_service.hpp"
#include "service/rpc/probe_report.hpp"
#include "service/rpc/requests.hpp"

namespace rdpmend {

AgentService::Unary* AgentService::ReportProbe(Context* context, const v1::ReportProbeRequest* request,
                                               v1::ReportProbeResponse* response) {
  auto call = PendingCall<v1::ReportProbeResponse>::begin(response, reads_);
  auto client = guard_.client(*context->auth_context());
  if (!client) return call->refuse(client.error());
  if (const auto valid = check_request_id(request->request_id()); !valid) return call->refuse(valid.error());
  auto report = bounded_report(request->report());
  if (!report) return call->refuse(report.error());

  auto told = *request;
  *told.mutable_report() = std::move(*report);
  parts_.engine.report_probe(std::move(told), std::move(*client), [call](Result<v1::OutsideProbe> probe) {
    if (!probe) return call->fail(probe.error());
    v1::ReportProbeResponse answer;
    *answer.mutable_probe() = std::move(*probe);
    call->answer(std::move(answer));
  });
  return call.get();
}

}  // namespace rdpmend
