#include "tests/rpc/rpc_world.hpp"

#include <algorithm>

#include "agent-lib/sim/scenarios.hpp"
#include "service/config/config.hpp"
#include "service/rpc/roles.hpp"

namespace rdpmend {

using namespace std::chrono_literals;

namespace {

CertificateAndKey server_certificate() {
  CertificateRequest request;
  request.usage = CertificateRequest::Usage::server;
  request.common_name = "localhost";
  request.dns_names = {"localhost"};
  request.addresses = {"127.0.0.1"};
  request.not_before = machine_now() - 1h;
  request.not_after = machine_now() + 24h;
  return make_certificate(request).value();
}

GuardedThread::Report fail_test() {
  return [](const std::string& where, const std::string& what) { ADD_FAILURE() << where << ": " << what; };
}

}  // namespace

WallTime machine_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

CertificateAndKey self_signed(const std::string& name, WallTime not_before, WallTime not_after) {
  CertificateRequest request;
  request.common_name = name;
  request.not_before = not_before;
  request.not_after = not_after;
  return make_certificate(request).value();
}

std::unique_ptr<grpc::ClientContext> context() {
  auto made = std::make_unique<grpc::ClientContext>();
  made->set_deadline(std::chrono::system_clock::now() + k_patience);
  return made;
}

v1::ErrorDetail detail_of(const grpc::Status& status) {
  v1::ErrorDetail detail;
  EXPECT_TRUE(detail.ParseFromString(status.error_details()));
  return detail;
}

RpcWorld::RpcWorld(const RpcWorldOptions& options)
    : host_(std::make_unique<sim::SimHost>(sim::find_scenario(options.scenario).value(), sim::SimOptions{})),
      control_(host_->control()),
      engine_thread_("engine", fail_test()),
      worker_thread_("worker", fail_test()),
      server_keys_(server_certificate()),
      trust_(folder_ / "trust.textproto") {
  auto config = default_config();
  config.mutable_rpc()->set_listen("127.0.0.1:0");
  config.mutable_rpc()->set_max_watchers(options.max_watchers);
  config.mutable_rpc()->set_max_request_bytes(options.max_request_bytes);
  // Only what a test asks for is repaired.
  for (const auto& fault : catalogue_.faults()) {
    auto* policy = config.mutable_policy()->add_faults();
    policy->set_fault_id(fault.id());
    policy->set_mode(v1::FAULT_MODE_OBSERVE);
  }
  for (const auto role : {v1::ROLE_VIEWER, v1::ROLE_OPERATOR, v1::ROLE_ADMIN}) {
    const std::string name(to_word(role));
    clients_[role] = self_signed(name, machine_now() - 1h, machine_now() + 24h);
    trust(clients_[role], name, role);
  }
  engine_ = std::make_unique<Engine>(EngineParts{control_,
                                                 journal_,
                                                 catalogue_,
                                                 faults_,
                                                 config.policy(),
                                                 5s,
                                                 "1.2.3",
                                                 {"something is degraded"},
                                                 checks::all()},
                                     engine_thread_.executor(), worker_thread_.executor());
  EXPECT_TRUE(engine_->start());
  AgentServiceParts parts{*engine_,
                          journal_,
                          [this](const std::stop_token&) -> Result<std::string> {
                            const std::lock_guard lock(chain_error_mutex_);
                            return chain_error_;
                          },
                          catalogue_,
                          control_.clock,
                          control_.identity,
                          "1.2.3",
                          "127.0.0.2:3389",
                          {},
                          [] {
                            std::vector<v1::ChannelStatus> channels(1);
                            channels[0].set_channel("System");
                            channels[0].set_state(v1::ChannelStatus::STATE_BEHIND);
                            channels[0].set_lag_records(3);
                            return channels;
                          }};
  server_ = std::make_unique<RpcServer>(
      config.rpc(), ServerKeys{server_keys_.certificate_pem, server_keys_.key_pem}, trust_, std::move(parts),
      fail_test(),
      [this](const v1::ConnectionLimited& limited) {
        std::vector<v1::JournalEntry> one(1);
        *one[0].mutable_connection_limited() = limited;
        EXPECT_TRUE(journal_.append(one, std::nullopt));
      },
      options.limits);
  journal_.set_listener([this](std::uint64_t) { server_->wake(); });
  engine_thread_.start();
  worker_thread_.start();
}

RpcWorld::~RpcWorld() {
  std::promise<void> stopped;
  asio::post(engine_thread_.executor(), [&] { engine_->stop("the test is over", [&] { stopped.set_value(); }); });
  EXPECT_EQ(stopped.get_future().wait_for(k_patience), std::future_status::ready);
  server_->stop(100ms);
  worker_thread_.finish();
  engine_thread_.finish();
  journal_.set_listener(nullptr);
}

std::shared_ptr<grpc::Channel> RpcWorld::channel(const CertificateAndKey* client) const {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = server_keys_.certificate_pem;
  if (client != nullptr) {
    options.pem_cert_chain = client->certificate_pem;
    options.pem_private_key = client->key_pem;
  }
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // A connection of its own.
  return grpc::CreateCustomChannel(server_->address(), grpc::SslCredentials(options), arguments);
}

std::unique_ptr<v1::Agent::Stub> RpcWorld::stub(const CertificateAndKey* client) const {
  return v1::Agent::NewStub(channel(client));
}

std::unique_ptr<v1::Agent::Stub> RpcWorld::stub(v1::Role role) const {
  return stub(&client(role));
}

grpc::Status RpcWorld::ask(v1::Role role) const {
  v1::GetStatusResponse response;
  return stub(role)->GetStatus(context().get(), {}, &response);
}

void RpcWorld::trust(const CertificateAndKey& client, const std::string& name, v1::Role role) {
  auto* entry = trusted_.add_entries();
  entry->set_name(name);
  entry->set_role(role);
  entry->set_sha256(parse_certificate(client.certificate_pem).value().sha256);
  write_trust();
}

void RpcWorld::revoke(const std::string& name) {
  for (auto& entry : *trusted_.mutable_entries())
    if (entry.name() == name) entry.set_revoked(true);
  write_trust();
}

void RpcWorld::damage_trust() {
  write_bytes(folder_ / "trust.textproto", "entries { name: ");
}

void RpcWorld::write_trust() {
  ASSERT_TRUE(write_trust_file(folder_ / "trust.textproto", trusted_));
}

void RpcWorld::append(std::size_t entries, std::uint64_t incident_id, std::size_t bytes) {
  for (std::size_t i = 0; i < entries; ++i) {
    std::vector<v1::JournalEntry> one(1);
    one[0].set_incident_id(incident_id);
    one[0].mutable_internal_error()->set_where("test");
    auto what = std::to_string(i);
    what.resize(std::max(what.size(), bytes), ' ');
    one[0].mutable_internal_error()->set_what(what);
    ASSERT_TRUE(journal_.append(one, std::nullopt));
  }
}

std::uint64_t RpcWorld::settle() {
  // Diagnose runs after the sweep that start() began: on the same worker, in order; its answer passes the engine.
  std::promise<void> answered;
  engine_->diagnose(
      {}, [&](const auto&) { answered.set_value(); }, [] { return true; });
  EXPECT_EQ(answered.get_future().wait_for(k_patience), std::future_status::ready);
  const auto snapshot = engine_->snapshot();
  return snapshot->incidents.empty() ? 0 : snapshot->incidents.rbegin()->first;
}

void RpcWorld::sweep() {
  std::promise<void> begun;
  asio::post(engine_thread_.executor(), [&] {
    const auto now = control_.clock.steady();
    host_->advance(std::max(Duration::zero(), engine_->agenda().next().value_or(now) - now) + 20min);
    engine_->agenda().run_due();
    begun.set_value();
  });
  EXPECT_EQ(begun.get_future().wait_for(k_patience), std::future_status::ready);
  settle();
}

void RpcWorld::block_worker() {
  asio::post(worker_thread_.executor(), [released = released_.get_future().share()] { released.wait_for(k_patience); });
}

}  // namespace rdpmend
