// The RPCs. Reads answer from the engine's snapshot or on the reads thread; commands go to the engine and are answered
// when it has carried them out. Nothing here waits.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "agent-lib/engine/engine.hpp"
#include "agent-lib/record/journal.hpp"
#include "agent-lib/rules/catalogue.hpp"
#include "agent-lib/support/asio.hpp"
#include "rdpmend/v1/agent.grpc.pb.h"
#include "service/rpc/call_guard.hpp"
#include "service/rpc/pending_call.hpp"
#include "service/rpc/watch_hub.hpp"

namespace rdpmend {

// What the RPCs answer from. All of it outlives the server.
struct AgentServiceParts {
  Engine& engine;
  const Journal& journal;
  // Where the journal's chain breaks; empty: it holds. Takes its time.
  std::function<Result<std::string>(std::stop_token)> verify_chain;
  const Catalogue& catalogue;
  const Clock& clock;
  const HostIdentity& host;
  std::string version;
  std::string rdp_address;  // Until a first probe says where it went.
  // What does not work at this moment, besides what was found at the start. From any thread; returns at once.
  std::function<std::vector<std::string>()> degraded_now = {};
  // How well the event log channels are followed. May be empty.
  std::function<std::vector<v1::ChannelStatus>()> channels = {};
};

class AgentService final : public v1::Agent::CallbackService {
 public:
  // `reads` answers within milliseconds; `audits` walks the journal for as long as it takes.
  AgentService(AgentServiceParts parts, CallGuard& guard, WatchHub& hub, asio::any_io_executor reads,
               asio::any_io_executor audits);

  // Ends an audit that is under way.
  void stop() { stop_.request_stop(); }

 private:
  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  // read_handlers.cpp
  Unary* GetStatus(Context* context, const v1::GetStatusRequest* request, v1::GetStatusResponse* response) override;
  Unary* ListFaults(Context* context, const v1::ListFaultsRequest* request, v1::ListFaultsResponse* response) override;
  Unary* ListIncidents(Context* context, const v1::ListIncidentsRequest* request,
                       v1::ListIncidentsResponse* response) override;
  Unary* GetIncident(Context* context, const v1::GetIncidentRequest* request,
                     v1::GetIncidentResponse* response) override;
  Unary* ReadJournal(Context* context, const v1::ReadJournalRequest* request,
                     v1::ReadJournalResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchResponse>* Watch(Context* context, const v1::WatchRequest* request) override;

  // action_handlers.cpp
  Unary* Diagnose(Context* context, const v1::DiagnoseRequest* request, v1::DiagnoseResponse* response) override;
  Unary* GetHealth(Context* context, const v1::GetHealthRequest* request, v1::GetHealthResponse* response) override;
  Unary* SelfTest(Context* context, const v1::SelfTestRequest* request, v1::SelfTestResponse* response) override;
  Unary* PlanRepair(Context* context, const v1::PlanRepairRequest* request, v1::PlanRepairResponse* response) override;
  Unary* Act(Context* context, const v1::ActRequest* request, v1::ActResponse* response) override;

  // loan_handlers.cpp
  Unary* Lend(Context* context, const v1::LendRequest* request, v1::LendResponse* response) override;
  Unary* GiveBack(Context* context, const v1::GiveBackRequest* request, v1::GiveBackResponse* response) override;

  // probe_handlers.cpp
  Unary* ReportProbe(Context* context, const v1::ReportProbeRequest* request,
                     v1::ReportProbeResponse* response) override;

  Result<v1::ReadJournalResponse> read_journal(const v1::ReadJournalRequest& request) const;
  Result<v1::ReadJournalResponse> read_and_audit(const v1::ReadJournalRequest& request);

  const AgentServiceParts parts_;
  CallGuard& guard_;
  WatchHub& hub_;
  const asio::any_io_executor reads_;
  const asio::any_io_executor audits_;
  std::atomic<bool> auditing_{false};
  std::stop_source stop_;
};

}  // namespace rdpmend
