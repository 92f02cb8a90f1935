// The gRPC server: mutual TLS, one door for all calls (call_guard), and the order in which it stops.
#pragma once

#include <grpcpp/server.h>

#include <memory>
#include <string>

#include "rdpmend/v1/config.pb.h"
#include "service/guarded_thread.hpp"
#include "service/rpc/agent_service.hpp"

namespace rdpmend {

struct ServerKeys {
  std::string certificate_pem;
  std::string key_pem;
};

class RpcServer {
 public:
  // Listens on config.listen; port 0 picks a free one. `config` with defaults filled in.
  static Result<std::unique_ptr<RpcServer>> start(const v1::RpcConfig& config, const ServerKeys& keys,
                                                  TrustStore& trust, AgentServiceParts parts,
                                                  GuardedThread::Report report);
  ~RpcServer();

  // ADDRESS:PORT, with the port that was picked.
  const std::string& address() const { return address_; }

  // The journal has grown: wakes the watchers. From any thread; returns at once.
  void wake() { hub_.wake(); }
  // Every call from now on is refused; watchers stay, so that they see how the service stops.
  void refuse_new_calls();
  // Ends watchers after the newest entry, cancels the calls that are left when the grace is over, and joins.
  void stop(Duration grace);

 private:
  RpcServer(const v1::RpcConfig& config, TrustStore& trust, AgentServiceParts parts, GuardedThread::Report report);
  Status listen(const v1::RpcConfig& config, const ServerKeys& keys);

  GuardedThread reads_;   // Journal pages for watchers and readers; call time limits.
  GuardedThread audits_;  // Walks of the whole journal, one at a time.
  std::shared_ptr<CallGuard> guard_;
  WatchHub hub_;
  AgentService service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace rdpmend
