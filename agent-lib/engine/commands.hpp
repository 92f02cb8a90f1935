// What administrators order: commands about incidents, and what a client tells of its own probe. Checked against the
// incident, journalled with the name of whoever asked, carried out once.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "agent-lib/host/clock.hpp"
#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/journal.pb.h"

namespace rdpmend {

class Ledger;
class Repairs;

// What a client tells of its own probe of the listener; without `received`.
struct ProbeTold {
  v1::OutsideProbe probe;
  std::uint64_t incident_id = 0;  // 0: about none.
  std::string request_id;
};

// An administrator's command.
struct AdminCommand {
  enum class Verb { repair, approve, rollback, dismiss };
  Verb verb = Verb::repair;
  std::uint64_t incident_id = 0;
  std::string request_id;
  std::string client;
  std::string comment;
  std::string plan_id;  // approve only; empty: any.
};

// Call on the engine's executor.
class Commands {
 public:
  Commands(const Clock& clock, Ledger& ledger, Repairs& repairs);

  // The incident as the command left it. A request that was carried out already changes nothing.
  Result<v1::Incident> act(const AdminCommand& command);
  // As Engine::report_probe.
  Result<v1::OutsideProbe> report_probe(ProbeTold told);

  // Called with each probe that a client told of, once it is journalled.
  void set_on_told(std::function<void(const v1::OutsideProbe&)> on_told) { on_told_ = std::move(on_told); }

  // From now on nothing new is carried out.
  void stop() { stopping_ = true; }

 private:
  Status check(const AdminCommand& command, const v1::Incident& incident) const;
  Status check_no_other_open(const v1::Incident& incident) const;
  bool was_carried_out(const std::string& request_id) const;
  Status record_command(const AdminCommand& command);
  Status record_told(const ProbeTold& told);
  void carry_out(const AdminCommand& command, const v1::Incident& incident);
  void dismiss(const v1::Incident& incident, const std::string& client);

  const Clock& clock_;
  Ledger& ledger_;
  Repairs& repairs_;
  std::function<void(const v1::OutsideProbe&)> on_told_;
  ProbeTold last_told_;  // No request id: none yet.
  bool stopping_ = false;
};

}  // namespace rdpmend
