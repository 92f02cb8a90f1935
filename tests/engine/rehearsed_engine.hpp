// The real engine over the simulated host and a journal in memory, on one thread and a virtual clock: a rehearsal that
// takes milliseconds. Engine and worker have an executor each, as in the service; which of them goes on is decided by a
// seed. Host and journal can outlive it, so that a test can end the world and start it again.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "agent-lib/engine/engine.hpp"
#include "agent-lib/sim/memory_journal.hpp"
#include "agent-lib/sim/scenarios.hpp"
#include "agent-lib/sim/sim_host.hpp"

namespace rdpmend::test {

class RehearsedEngine {
 public:
  // With faults of a test's own, under ids of the built-in catalogue, if it gives some.
  RehearsedEngine(sim::SimHost& host, Journal& journal, v1::PolicyConfig policy = {},
                  std::vector<std::unique_ptr<Fault>> faults = make_faults(), std::uint64_t seed = 1);
  ~RehearsedEngine();

  // Runs until the predicate holds (true) or the virtual time is over (false).
  bool run_until(const std::function<bool()>& done, Duration at_most);
  void run_for(Duration time);
  // Until nothing is to be done at this moment.
  void settle();

  Engine& engine() const { return *engine_; }
  const Catalogue& catalogue() const { return catalogue_; }
  // The newest incident of a fault; nullptr: none.
  std::shared_ptr<const v1::Incident> incident(const std::string& fault_id) const;
  bool in_state(const std::string& fault_id, v1::IncidentState state) const;
  std::size_t incidents() const { return engine_->snapshot()->incidents.size(); }

  // Carries out a command, as a client called "test", and waits for its answer.
  Result<v1::Incident> act(v1::ActRequest request);
  // Approves each incident that waits for it; call until nothing waits any more.
  void approve_what_waits();

  // As the service's event reader does when subscriptions have fallen silent.
  void reopen_channels();

  // Who lets time pass on the host, instead of its advance().
  void set_pass_time(std::function<void(Duration)> pass_time) { pass_time_ = std::move(pass_time); }

 private:
  // Runs one handler of engine or worker; false: none is ready.
  bool run_one();
  void open_channels();
  std::vector<v1::ChannelStatus> channels() const;
  // Hands over what the channels have; true: there was something.
  bool pump_events();

  sim::SimHost& host_;
  Journal& journal_;
  Catalogue catalogue_ = Catalogue::built_in();
  std::vector<std::unique_ptr<Fault>> faults_;
  std::mt19937_64 random_;
  std::function<void(Duration)> pass_time_;
  asio::io_context engine_io_;
  asio::io_context worker_io_;
  std::unique_ptr<Engine> engine_;
  std::optional<SteadyTime> due_;  // What the engine's agenda told, as a timer would be armed with it.
  std::map<std::string, std::unique_ptr<EventSubscription>> channels_;
};

// An order about an incident; the request's id is that of the incident unless one is given.
v1::ActRequest order(v1::ActRequest::VerbCase verb, std::uint64_t incident_id, std::string request_id = {});
// Everything that the journal holds.
std::vector<v1::JournalEntry> all_entries(const sim::MemoryJournal& journal);
// How many entries have this body.
std::size_t count_entries(const sim::MemoryJournal& journal, v1::JournalEntry::BodyCase body);
v1::Scenario scenario(const std::string& name);

}  // namespace rdpmend::test
