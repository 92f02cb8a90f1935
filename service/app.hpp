// The composition root: everything that runs in the service, and the one order in which it starts and stops.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent-lib/engine/engine.hpp"
#include "agent-lib/engine/event_reader.hpp"
#include "agent-lib/host/host.hpp"
#include "rdpmend/v1/config.pb.h"
#include "service/os/guarded_thread.hpp"
#include "service/pki/pki.hpp"
#include "service/pki/trust_store.hpp"
#include "service/rpc/server.hpp"
#include "service/store/sqlite_journal.hpp"

namespace rdpmend {

struct AppParts {
  v1::ServiceConfig config;     // With defaults filled in.
  std::filesystem::path state;  // Journal, keys; made if it is not there.
  HostControl host;             // Outlives the app.
  // The journal has grown, up to this number. From any thread; must return at once. May be empty.
  std::function<void(std::uint64_t)> on_journal;
  // The journal cannot be written from now on, in words. From any thread; must return at once. May be empty.
  std::function<void(const std::string&)> on_journal_trouble = {};
  // One more part of the start is done. May be empty.
  std::function<void()> on_progress = {};
};

class App {
 public:
  // Returns when all is up.
  static Result<std::unique_ptr<App>> start(AppParts parts);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  std::string rpc_address() const { return rpc_->address(); }
  const std::filesystem::path& admin_profile() const { return pki_->paths.admin_profile; }
  const Journal& journal() const { return *journal_; }
  const Engine& engine() const { return *engine_; }
  // Settings of the host changed. From any thread.
  void host_changed() { engine_->host_changed(); }

  // Finishes or undoes the current step, and ends everything. Has no limit of its own: see HardStop.
  void stop(const std::string& reason);

 private:
  explicit App(AppParts parts);
  Status bring_up();
  void load_catalogue();
  Status open_journal();
  Status open_keys();
  Status start_engine();
  Status start_rpc();

  void stop_engine(const std::string& reason);
  void arm_timer();
  std::vector<std::string> degraded_now() const;
  void journal_failed();
  void try_journal_again();
  // A defect: what has escaped from one of our threads.
  void report(const std::string& where, const std::string& what);
  Status tell_trouble(const std::string& part, const std::string& what);
  void record_limited(const v1::ConnectionLimited& limited);
  Status record(const std::function<void(v1::JournalEntry&)>& fill);

  AppParts parts_;
  std::vector<std::string> degraded_;
  Catalogue catalogue_;
  std::unique_ptr<SqliteJournal> journal_;
  std::optional<Pki> pki_;
  std::optional<TrustStore> trust_;
  std::vector<std::unique_ptr<Fault>> faults_;
  GuardedThread engine_thread_;
  GuardedThread worker_thread_;
  asio::steady_timer timer_;          // Of the engine's thread, for Engine::tick.
  asio::steady_timer journal_again_;  // Of the engine's thread.
  bool ticking_ = true;               // Of the engine's thread.
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<EventReader> reader_;
  std::unique_ptr<RpcServer> rpc_;
  bool stopped_ = false;
};

}  // namespace rdpmend
