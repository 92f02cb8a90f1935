// A whole service in this process: the real engine over a simulated host, behind the real server with mutual TLS, and
// clients of every kind of trust.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent-lib/sim/memory_journal.hpp"
#include "agent-lib/sim/sim_host.hpp"
#include "rdpmend/v1/agent.grpc.pb.h"
#include "service/os/guarded_thread.hpp"
#include "service/pki/certificate.hpp"
#include "service/pki/trust_store.hpp"
#include "service/rpc/server.hpp"
#include "tests/service/temp_folder.hpp"

namespace rdpmend {

// Nothing waits this long when all is well.
inline constexpr std::chrono::seconds k_patience{60};

struct RpcWorldOptions {
  std::string scenario = "healthy";
  std::uint32_t max_watchers = 8;
  std::uint32_t max_request_bytes = 64 * 1024;
  ConnectionLimits limits = {};
};

class RpcWorld {
 public:
  explicit RpcWorld(const RpcWorldOptions& options = {});
  ~RpcWorld();
  RpcWorld(const RpcWorld&) = delete;
  RpcWorld& operator=(const RpcWorld&) = delete;

  // A connection of its own with this certificate; nullptr: with none.
  std::shared_ptr<grpc::Channel> channel(const CertificateAndKey* client) const;
  std::unique_ptr<v1::Agent::Stub> stub(const CertificateAndKey* client) const;
  // The trusted client of a role; its name is "viewer", "operator" or "admin".
  std::unique_ptr<v1::Agent::Stub> stub(v1::Role role) const;
  const CertificateAndKey& client(v1::Role role) const { return clients_.at(role); }
  // Whether the service answers a client of that role.
  grpc::Status ask(v1::Role role) const;
  // Before the first call: the trust file is looked at only now and then.
  void trust(const CertificateAndKey& client, const std::string& name, v1::Role role);
  void revoke(const std::string& name);
  void damage_trust();

  // Appends so many small entries.
  // Each of at least so many bytes.
  void append(std::size_t entries, std::uint64_t incident_id = 0, std::size_t bytes = 0);
  // Waits for the first sweep, so that the journal holds what it holds. The newest incident's id; 0: none.
  std::uint64_t settle();
  // Lets the time of the next sweep come, and waits for its end.
  void sweep();
  // Whatever is asked of the host waits until release_worker.
  void block_worker();
  void release_worker() { released_.set_value(); }

  sim::SimHost& host() { return *host_; }
  sim::MemoryJournal& journal() { return journal_; }
  RpcServer& server() { return *server_; }
  Engine& engine() { return *engine_; }
  const Catalogue& catalogue() const { return catalogue_; }
  // What ReadJournal finds wrong with the chain from now on.
  void set_chain_error(std::string what) {
    const std::lock_guard lock(chain_error_mutex_);
    chain_error_ = std::move(what);
  }

 private:
  void write_trust();

  std::mutex chain_error_mutex_;
  std::string chain_error_;
  TempFolder folder_;
  std::unique_ptr<sim::SimHost> host_;
  sim::MemoryJournal journal_;
  Catalogue catalogue_ = Catalogue::built_in();
  std::vector<std::unique_ptr<Fault>> faults_ = make_faults();
  HostControl control_;
  GuardedThread engine_thread_;
  GuardedThread worker_thread_;
  std::unique_ptr<Engine> engine_;
  CertificateAndKey server_keys_;
  std::map<v1::Role, CertificateAndKey> clients_;
  v1::TrustFile trusted_;
  TrustStore trust_;
  std::unique_ptr<RpcServer> server_;
  std::promise<void> released_;
};

// With a deadline, so that a call that hangs fails a test instead of hanging it.
std::unique_ptr<grpc::ClientContext> context();
v1::ErrorDetail detail_of(const grpc::Status& status);
CertificateAndKey self_signed(const std::string& name, WallTime not_before, WallTime not_after);
WallTime machine_now();

}  // namespace rdpmend
