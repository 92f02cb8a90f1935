#include "tests/cli/canned_service.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "agent-lib/record/journal_chain.hpp"

namespace rdpmend::cli {

namespace {

constexpr std::chrono::seconds k_patience{60};

// Until the client gives up.
void wait_for_cancellation(grpc::ServerContext* context) {
  const auto limit = std::chrono::steady_clock::now() + k_patience;
  while (!context->IsCancelled() && std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
}

std::vector<v1::JournalEntry> entries_of(const Answers& answers, std::uint64_t after_seq, std::uint64_t incident_id) {
  std::vector<v1::JournalEntry> out;
  for (const auto& entry : answers.journal) {
    if (entry.seq() > after_seq && (incident_id == 0 || entry.incident_id() == incident_id)) out.push_back(entry);
  }
  return out;
}

}  // namespace

CertificateAndKey make_test_certificate(CertificateRequest::Usage usage, const std::string& name,
                                        std::chrono::hours valid_for) {
  CertificateRequest request;
  request.usage = usage;
  request.common_name = name;
  request.dns_names = {name};
  const auto now = std::chrono::system_clock::now();
  request.not_before = now - std::chrono::hours{48};
  request.not_after = now + valid_for;
  const auto made = make_certificate(request);
  EXPECT_TRUE(made) << to_string(made.error());
  return made.value_or(CertificateAndKey{});
}

CannedService::CannedService(Answers answers)
    : server_keys_(make_test_certificate(CertificateRequest::Usage::server, "rdpmend")), answers_(std::move(answers)) {
  listen();
  write_profile();
}

CannedService::~CannedService() {
  stop();
}

std::string CannedService::address() const {
  return "127.0.0.1:" + std::to_string(port_);
}

void CannedService::listen() {
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  tls.pem_key_cert_pairs.push_back({server_keys_.key_pem, server_keys_.certificate_pem});
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address(), grpc::SslServerCredentials(tls), &port_);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  ASSERT_TRUE(server_) << "cannot listen on " << address();
}

void CannedService::write_profile() const {
  const auto client = make_test_certificate(CertificateRequest::Usage::client, "local-admin");
  write_bytes(folder_ / "server.crt", server_keys_.certificate_pem);
  write_bytes(folder_ / "client.crt", client.certificate_pem);
  write_bytes(folder_ / "client.key", client.key_pem);
  write_bytes(folder_ / "client.textproto",
              "address: \"" + address() +
                  "\"\nserver_name: \"rdpmend\"\nserver_certificate_file: \"server.crt\"\n"
                  "client_certificate_file: \"client.crt\"\nclient_key_file: \"client.key\"\n");
}

void CannedService::stop() {
  if (!server_) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

void CannedService::start_again(Answers answers) {
  stop();
  answers_ = std::move(answers);
  listen();
}

v1::WatchRequest CannedService::last_watch() const {
  const std::lock_guard lock(mutex_);
  return last_watch_;
}

v1::ActRequest CannedService::last_act() const {
  const std::lock_guard lock(mutex_);
  return last_act_;
}

v1::GetHealthRequest CannedService::last_health() const {
  const std::lock_guard lock(mutex_);
  return last_health_;
}

v1::ReportProbeRequest CannedService::last_report() const {
  const std::lock_guard lock(mutex_);
  return last_report_;
}

v1::LendRequest CannedService::last_lend() const {
  const std::lock_guard lock(mutex_);
  return last_lend_;
}

v1::GiveBackRequest CannedService::last_give_back() const {
  const std::lock_guard lock(mutex_);
  return last_give_back_;
}

std::vector<std::string> CannedService::request_ids() const {
  const std::lock_guard lock(mutex_);
  return request_ids_;
}

std::vector<v1::JournalEntry> CannedService::entries_after(std::uint64_t seq, std::uint64_t incident_id) const {
  const std::lock_guard lock(mutex_);
  return entries_of(answers_, seq, incident_id);
}

grpc::Status CannedService::begin(grpc::ServerContext* context) const {
  if (answers_.silent) wait_for_cancellation(context);
  return answers_.refusal;
}

grpc::Status CannedService::GetStatus(grpc::ServerContext* context, const v1::GetStatusRequest*,
                                      v1::GetStatusResponse* response) {
  *response = answers_.status;
  return begin(context);
}

grpc::Status CannedService::Diagnose(grpc::ServerContext* context, const v1::DiagnoseRequest*,
                                     v1::DiagnoseResponse* response) {
  *response = answers_.diagnosis;
  return begin(context);
}

grpc::Status CannedService::GetHealth(grpc::ServerContext* context, const v1::GetHealthRequest* request,
                                      v1::GetHealthResponse* response) {
  const std::lock_guard lock(mutex_);
  last_health_ = *request;
  if (!answers_.healths.empty()) *response = answers_.healths.front();
  if (answers_.healths.size() > 1) answers_.healths.erase(answers_.healths.begin());
  return begin(context);
}

grpc::Status CannedService::SelfTest(grpc::ServerContext* context, const v1::SelfTestRequest*,
                                     v1::SelfTestResponse* response) {
  *response = answers_.selftest;
  return begin(context);
}

grpc::Status CannedService::ListFaults(grpc::ServerContext* context, const v1::ListFaultsRequest*,
                                       v1::ListFaultsResponse* response) {
  *response = answers_.faults;
  return begin(context);
}

// Page tokens are the pages' numbers.
grpc::Status CannedService::ListIncidents(grpc::ServerContext* context, const v1::ListIncidentsRequest* request,
                                          v1::ListIncidentsResponse* response) {
  const auto page = request->page_token().empty() ? 0 : std::stoul(request->page_token());
  if (page < answers_.incident_pages.size()) *response = answers_.incident_pages[page];
  if (page + 1 < answers_.incident_pages.size()) response->set_next_page_token(std::to_string(page + 1));
  return begin(context);
}

grpc::Status CannedService::GetIncident(grpc::ServerContext* context, const v1::GetIncidentRequest*,
                                        v1::GetIncidentResponse* response) {
  *response->mutable_incident() = answers_.incident;
  return begin(context);
}

grpc::Status CannedService::PlanRepair(grpc::ServerContext* context, const v1::PlanRepairRequest*,
                                       v1::PlanRepairResponse* response) {
  *response = answers_.plan;
  return begin(context);
}

grpc::Status CannedService::Act(grpc::ServerContext* context, const v1::ActRequest* request,
                                v1::ActResponse* response) {
  {
    const std::lock_guard lock(mutex_);
    last_act_ = *request;
    request_ids_.push_back(request->request_id());
    for (auto& entry : answers_.journal) {
      if (entry.has_admin_action()) entry.mutable_admin_action()->set_request_id(request->request_id());
    }
  }
  *response->mutable_incident() = answers_.incident;
  return begin(context);
}

grpc::Status CannedService::Lend(grpc::ServerContext* context, const v1::LendRequest* request,
                                 v1::LendResponse* response) {
  {
    const std::lock_guard lock(mutex_);
    last_lend_ = *request;
  }
  *response->mutable_loan() = answers_.loan;
  return begin(context);
}

grpc::Status CannedService::GiveBack(grpc::ServerContext* context, const v1::GiveBackRequest* request,
                                     v1::GiveBackResponse*) {
  {
    const std::lock_guard lock(mutex_);
    last_give_back_ = *request;
  }
  return begin(context);
}

grpc::Status CannedService::ReportProbe(grpc::ServerContext* context, const v1::ReportProbeRequest* request,
                                        v1::ReportProbeResponse* response) {
  {
    const std::lock_guard lock(mutex_);
    last_report_ = *request;
  }
  response->mutable_probe()->set_client("local-admin");
  response->mutable_probe()->set_peer("192.0.2.7");
  *response->mutable_probe()->mutable_report() = request->report();
  return begin(context);
}

grpc::Status CannedService::Watch(grpc::ServerContext* context, const v1::WatchRequest* request,
                                  grpc::ServerWriter<v1::WatchResponse>* writer) {
  {
    const std::lock_guard lock(mutex_);
    last_watch_ = *request;
  }
  ++watches_;
  if (const auto status = begin(context); !status.ok()) return status;
  v1::WatchResponse response;
  for (const auto& entry : entries_after(request->after_seq(), request->incident_id())) {
    *response.mutable_entry() = entry;
    writer->Write(response);
  }
  response.set_caught_up_seq(answers_.journal.empty() ? 0 : answers_.journal.back().seq());
  writer->Write(response);
  wait_for_cancellation(context);
  return grpc::Status::CANCELLED;
}

grpc::Status CannedService::ReadJournal(grpc::ServerContext* context, const v1::ReadJournalRequest* request,
                                        v1::ReadJournalResponse* response) {
  for (auto& entry : entries_after(request->after_seq(), request->incident_id())) {
    if (response->entries_size() == static_cast<int>(request->page_size())) break;
    *response->add_entries() = seal_entry(entry, {entry.seq() - 1, journal_genesis_hash()}).value();
    response->set_next_after_seq(entry.seq());
  }
  if (request->verify()) response->set_chain_error(answers_.chain_error);
  return begin(context);
}

}  // namespace rdpmend::cli
