// A service that answers with fixed messages over real mutual TLS, so that what the program prints can be compared.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "rdpmend/v1/agent.grpc.pb.h"
#include "service/pki/certificate.hpp"
#include "tests/service/temp_folder.hpp"

namespace rdpmend::cli {

struct Answers {
  v1::GetStatusResponse status;
  v1::DiagnoseResponse diagnosis;
  std::vector<v1::GetHealthResponse> healths;  // One after the other; the last one again and again.
  v1::SelfTestResponse selftest;
  v1::ListFaultsResponse faults;
  std::vector<v1::ListIncidentsResponse> incident_pages;
  v1::Incident incident;  // For GetIncident and the commands.
  v1::PlanRepairResponse plan;
  v1::Loan loan;
  std::vector<v1::JournalEntry> journal;
  std::string chain_error;
  grpc::Status refusal = grpc::Status::OK;  // If not ok, every call ends with it.
  bool silent = false;                      // No call is answered before the client gives up.
};

// Made with names and dates of choice, so that they can be wrong.
CertificateAndKey make_test_certificate(CertificateRequest::Usage usage, const std::string& name,
                                        std::chrono::hours valid_for = std::chrono::hours{24});

class CannedService final : public v1::Agent::Service {
 public:
  explicit CannedService(Answers answers = {});
  ~CannedService() override;

  // A client profile for it, in a folder of its own.
  std::string profile() const { return to_utf8(folder_ / "client.textproto"); }
  std::string address() const;

  // As after a crash of the service: the same address and keys, perhaps other answers.
  void stop();
  void start_again(Answers answers);

  // What the last Watch and command asked for.
  v1::WatchRequest last_watch() const;
  v1::ActRequest last_act() const;
  v1::GetHealthRequest last_health() const;
  std::vector<std::string> request_ids() const;
  v1::ReportProbeRequest last_report() const;
  v1::LendRequest last_lend() const;
  v1::GiveBackRequest last_give_back() const;
  // Watch calls so far.
  int watches() const { return watches_; }

 private:
  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*, v1::GetStatusResponse*) override;
  grpc::Status Diagnose(grpc::ServerContext*, const v1::DiagnoseRequest*, v1::DiagnoseResponse*) override;
  grpc::Status GetHealth(grpc::ServerContext*, const v1::GetHealthRequest*, v1::GetHealthResponse*) override;
  grpc::Status SelfTest(grpc::ServerContext*, const v1::SelfTestRequest*, v1::SelfTestResponse*) override;
  grpc::Status ListFaults(grpc::ServerContext*, const v1::ListFaultsRequest*, v1::ListFaultsResponse*) override;
  grpc::Status ListIncidents(grpc::ServerContext*, const v1::ListIncidentsRequest*,
                             v1::ListIncidentsResponse*) override;
  grpc::Status GetIncident(grpc::ServerContext*, const v1::GetIncidentRequest*, v1::GetIncidentResponse*) override;
  grpc::Status PlanRepair(grpc::ServerContext*, const v1::PlanRepairRequest*, v1::PlanRepairResponse*) override;
  // The AdminAction of the journal becomes that of this command.
  grpc::Status Act(grpc::ServerContext*, const v1::ActRequest*, v1::ActResponse*) override;
  grpc::Status Lend(grpc::ServerContext*, const v1::LendRequest*, v1::LendResponse*) override;
  grpc::Status GiveBack(grpc::ServerContext*, const v1::GiveBackRequest*, v1::GiveBackResponse*) override;
  grpc::Status ReportProbe(grpc::ServerContext*, const v1::ReportProbeRequest*, v1::ReportProbeResponse*) override;
  grpc::Status Watch(grpc::ServerContext*, const v1::WatchRequest*, grpc::ServerWriter<v1::WatchResponse>*) override;
  grpc::Status ReadJournal(grpc::ServerContext*, const v1::ReadJournalRequest*, v1::ReadJournalResponse*) override;

  void listen();
  void write_profile() const;
  grpc::Status begin(grpc::ServerContext* context) const;
  std::vector<v1::JournalEntry> entries_after(std::uint64_t seq, std::uint64_t incident_id) const;

  TempFolder folder_;
  CertificateAndKey server_keys_;
  int port_ = 0;
  Answers answers_;
  mutable std::mutex mutex_;
  v1::WatchRequest last_watch_;
  v1::ActRequest last_act_;
  v1::GetHealthRequest last_health_;
  v1::LendRequest last_lend_;
  v1::GiveBackRequest last_give_back_;
  v1::ReportProbeRequest last_report_;
  std::vector<std::string> request_ids_;
  std::atomic<int> watches_{0};
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace rdpmend::cli
