// What administrators order: commands about incidents, and what a client tells of its own probe. Checked against the
// incident, journalled with the name of whoever asked, carried out once.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "agent-lib/host/clock.hpp"
#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/agent.pb.h"

namespace rdpmend {

class Ledger;
class Loans;
class Repairs;

// Who commands or tells, as the journal keeps it.
struct Client {
  std::string name;                // In its certificate's trust entry.
  std::string certificate_sha256;  // Upper-case hex.
  std::string peer;                // The address that it calls from, without the port.
};

// The field of ActRequest.verb that is set; nullptr: the request orders nothing that this version knows.
const google::protobuf::FieldDescriptor* verb_of(const v1::ActRequest& request);

// Call on the engine's executor.
class Commands {
 public:
  Commands(const Clock& clock, Ledger& ledger, Repairs& repairs, Loans& loans);

  // The incident as the command left it. A request that was carried out already changes nothing.
  Result<v1::Incident> act(const v1::ActRequest& request, const Client& client);
  // As Engine::report_probe.
  Result<v1::OutsideProbe> report_probe(const v1::ReportProbeRequest& request, const Client& client);

  // As Engine::lend and Engine::give_back.
  void lend(const v1::LendRequest& request, const Client& client, std::function<void(Result<v1::LendResponse>)> done);
  void give_back(const v1::GiveBackRequest& request, const Client& client,
                 std::function<void(Result<v1::GiveBackResponse>)> done);

  // Called with each probe that a client told of, once it is journalled.
  void set_on_told(std::function<void(const v1::OutsideProbe&)> on_told) { on_told_ = std::move(on_told); }

  // From now on nothing new is carried out.
  void stop() { stopping_ = true; }

 private:
  Status check(const v1::ActRequest& request, const v1::Incident& incident) const;
  Status check_no_other_open(const v1::Incident& incident) const;
  bool was_carried_out(const std::string& request_id) const;
  void carry_out(const v1::ActRequest& request, const v1::Incident& incident, const std::string& client);

  const Clock& clock_;
  Ledger& ledger_;
  Repairs& repairs_;
  Loans& loans_;
  std::function<void(const v1::OutsideProbe&)> on_told_;
  std::string last_told_id_;  // The request that told of last_told_; empty: none yet.
  v1::OutsideProbe last_told_;
  bool stopping_ = false;
};

}  // namespace rdpmend
