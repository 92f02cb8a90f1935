// The RPC server: the front door, gRPC behind it, one guard of all calls (call_guard), and the order in which they
// stop.
#pragma once

#include <grpcpp/server.h>

#include <memory>
#include <mutex>
#include <string>

#include "rdpmend/v1/config.pb.h"
#include "service/os/guarded_thread.hpp"
#include "service/rpc/agent_service.hpp"
#include "service/rpc/front_door.hpp"

namespace rdpmend {

class RpcServer {
 public:
  // Listens on config.listen; port 0 picks a free one. `config` with defaults filled in. An address that is not to be
  // had, of a network that is not up yet or a port that is in use, is tried again and again: a host is healed
  // without it. `limited` is called on a thread that may wait for the journal.
  RpcServer(const v1::RpcConfig& config, ServerKeys keys, TrustStore& trust, AgentServiceParts parts,
            const GuardedThread::Report& report, LimitNotes::Write limited, const ConnectionLimits& limits = {});
  ~RpcServer();

  // ADDRESS:PORT, with the port that was picked; as configured while it does not listen.
  std::string address() const;

  // Why it does not listen yet; nullopt: it does.
  std::optional<Error> trouble() const;

  // Where gRPC itself listens, for the front door alone; empty while it does not.
  std::string address_behind_door() const;

  // The journal has grown: wakes the watchers. From any thread; returns at once.
  void wake() { hub_.wake(); }
  // Every call from now on is refused; watchers stay, so that they see how the service stops.
  void refuse_new_calls();
  // Ends watchers after the newest entry, cancels the calls that are left when the grace is over, and joins.
  void stop(Duration grace);

 private:
  std::unique_ptr<FrontDoor> make_door(const GuardedThread::Report& report, LimitNotes::Write limited,
                                       const ConnectionLimits& limits);
  Status listen();
  void listen_later();

  const v1::RpcConfig config_;
  const ServerKeys keys_;
  GuardedThread reads_;   // Journal pages for watchers and readers; call time limits.
  GuardedThread audits_;  // Walks of the whole journal, one at a time.
  std::shared_ptr<CallGuard> guard_;
  WatchHub hub_;
  AgentService service_;
  std::unique_ptr<FrontDoor> door_;
  asio::steady_timer again_;  // Of the reads thread, as is whatever listens later.
  mutable std::mutex mutex_;
  bool stopping_ = false;
  std::optional<Error> trouble_;
  std::unique_ptr<grpc::Server> server_;  // Null while it does not listen.
  std::string address_;
  std::string address_behind_door_;
};

}  // namespace rdpmend
