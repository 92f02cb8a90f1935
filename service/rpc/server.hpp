// The gRPC server: mutual TLS, one door for all calls (call_guard), and the order in which it stops.
#pragma once

#include <grpcpp/server.h>

#include <memory>
#include <mutex>
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
  // Listens on config.listen; port 0 picks a free one. `config` with defaults filled in. An address that is not to be
  // had, of a network that is not up yet or a port that is in use, is reported and tried again and again: a host is
  // healed without it.
  RpcServer(const v1::RpcConfig& config, ServerKeys keys, TrustStore& trust, AgentServiceParts parts,
            const GuardedThread::Report& report);
  ~RpcServer();

  // ADDRESS:PORT, with the port that was picked; as configured while it does not listen.
  std::string address() const;

  // The journal has grown: wakes the watchers. From any thread; returns at once.
  void wake() { hub_.wake(); }
  // Every call from now on is refused; watchers stay, so that they see how the service stops.
  void refuse_new_calls();
  // Ends watchers after the newest entry, cancels the calls that are left when the grace is over, and joins.
  void stop(Duration grace);

 private:
  Status listen();
  void listen_later();

  const v1::RpcConfig config_;
  const ServerKeys keys_;
  GuardedThread reads_;   // Journal pages for watchers and readers; call time limits.
  GuardedThread audits_;  // Walks of the whole journal, one at a time.
  std::shared_ptr<CallGuard> guard_;
  WatchHub hub_;
  AgentService service_;
  asio::steady_timer again_;  // Of the reads thread, as is whatever listens later.
  mutable std::mutex mutex_;
  bool stopping_ = false;
  std::unique_ptr<grpc::Server> server_;  // Null while it does not listen.
  std::string address_;
};

}  // namespace rdpmend
