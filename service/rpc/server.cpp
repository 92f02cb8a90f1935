#include "service/rpc/server.hpp"

#include <fmt/format.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server_builder.h>

#include <algorithm>

#include "agent-lib/support/log.hpp"
#include "service/rpc/grpc_log.hpp"
#include "service/rpc/handshake_gate.hpp"

namespace rdpmend {

namespace {

constexpr Duration k_listen_again = std::chrono::seconds{5};
constexpr Duration k_last_words = std::chrono::seconds{1};
// Only the front door is let in there.
constexpr char k_behind_the_door[] = "127.0.0.1:0";
constexpr std::chrono::milliseconds k_handshake_limit = std::chrono::seconds{10};
// A connection without calls is begun anew when it is needed, without a word from the client's side.
constexpr std::chrono::milliseconds k_longest_idle = std::chrono::minutes{10};
// The last bound of what gRPC buffers for all connections together, far beyond what the limits for each come to.
constexpr std::size_t k_grpc_memory_bytes = 256U << 20U;
// A client that vanished without a word gives its Watch slot back.
constexpr std::chrono::milliseconds k_keepalive_interval = std::chrono::minutes{1};
constexpr std::chrono::milliseconds k_keepalive_timeout = std::chrono::seconds{20};
constexpr std::chrono::milliseconds k_shortest_client_ping = std::chrono::seconds{10};

int millis(std::chrono::milliseconds duration) {
  return static_cast<int>(duration.count());
}

// gRPC's lowest TLS version for these credentials is 1.2. REQUIRE: no certificate, no handshake. BUT_DONT_VERIFY: TLS
// proves that the peer has its certificate's key and asks no issuer; whether it is the front door is the gate's.
std::shared_ptr<grpc::ServerCredentials> credentials(const ServerKeys& keys, std::shared_ptr<CallGuard> guard) {
  using grpc::experimental::ExternalCertificateVerifier;
  using grpc::experimental::StaticDataCertificateProvider;
  grpc::experimental::TlsServerCredentialsOptions options(std::make_shared<StaticDataCertificateProvider>(
      std::vector<grpc::experimental::IdentityKeyCertPair>{{keys.key_pem, keys.certificate_pem}}));
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  options.set_certificate_verifier(ExternalCertificateVerifier::Create<HandshakeGate>(guard));
  auto made = grpc::experimental::TlsServerCredentials(options);
  made->SetAuthMetadataProcessor(std::move(guard));
  return made;
}

void limit(grpc::ServerBuilder& builder, const v1::RpcConfig& config, std::size_t streams) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(config.max_request_bytes()));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, static_cast<int>(streams));
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, millis(k_handshake_limit));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, millis(k_longest_idle));
  builder.SetResourceQuota(grpc::ResourceQuota("rdpmend").Resize(k_grpc_memory_bytes));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, millis(k_keepalive_interval));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, millis(k_keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, millis(k_shortest_client_ping));
  // No client of ours packs messages, and what a packed one unpacks to is limited only when it is in memory.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  // Else another program of this account could share the port.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
}

}  // namespace

RpcServer::RpcServer(const v1::RpcConfig& config, ServerKeys keys, TrustStore& trust, AgentServiceParts parts,
                     const GuardedThread::Report& report, LimitNotes::Write limited, const ConnectionLimits& limits)
    : config_(config),
      keys_(std::move(keys)),
      reads_("rpc reads", report),
      audits_("rpc audits", report),
      guard_(std::make_shared<CallGuard>(trust)),
      hub_(parts.journal, reads_.executor(), config.max_watchers()),
      service_(std::move(parts), *guard_, hub_, reads_.executor(), audits_.executor()),
      door_(make_door(report, std::move(limited), limits)),
      again_(reads_.executor()),
      address_(config.listen()) {
  route_grpc_log();
  if (const auto listening = listen(); !listening) {
    trouble_ = listening.error();
    listen_later();
  }
  reads_.start();
  audits_.start();
}

RpcServer::~RpcServer() {
  stop(std::chrono::seconds{1});
}

std::string RpcServer::address() const {
  const std::scoped_lock lock(mutex_);
  return address_;
}

std::string RpcServer::address_behind_door() const {
  const std::scoped_lock lock(mutex_);
  return address_behind_door_;
}

std::optional<Error> RpcServer::trouble() const {
  const std::scoped_lock lock(mutex_);
  return trouble_;
}

Status RpcServer::listen() {
  const std::scoped_lock lock(mutex_);
  if (stopping_) return {};
  auto address = door_->listen(config_.listen());
  if (!address) {
    return fail(address.error().code,
                fmt::format("{}; trying again every {}", address.error().what, to_human(k_listen_again)),
                "Another rdpmendd or another program may be using that port, or the address is not this machine's: "
                "choose another with rpc.listen in the configuration (port 0: any that is free).");
  }
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  limit(builder, config_, door_->limits().streams_per_client);
  int port = 0;
  builder.AddListeningPort(k_behind_the_door, credentials(keys_, guard_), &port);
  builder.RegisterService(&service_);
  auto server = builder.BuildAndStart();
  if (!server || port == 0) {
    return fail(ErrorCode::unavailable,
                fmt::format("cannot listen on this machine's own address 127.0.0.1; trying again every {}",
                            to_human(k_listen_again)),
                "See the service's log.");
  }
  trouble_.reset();
  server_ = std::move(server);
  address_ = std::move(*address);
  address_behind_door_ = fmt::format("127.0.0.1:{}", port);
  door_->serve(static_cast<std::uint16_t>(port));
  return {};
}

std::unique_ptr<FrontDoor> RpcServer::make_door(const GuardedThread::Report& report, LimitNotes::Write limited,
                                                const ConnectionLimits& limits) {
  // The journal's disk may be slow, and the front door must not be.
  auto record = [this, limited = std::move(limited)](v1::ConnectionLimited what) {
    asio::post(reads_.executor(), [limited, what = std::move(what)] { limited(what); });
  };
  return std::make_unique<FrontDoor>(
      FrontDoor::Parts{guard_, keys_, limits, std::move(record), [this] { hub_.look_at_trust(); }, report});
}

void RpcServer::listen_later() {
  again_.expires_after(k_listen_again);
  again_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    if (!listen()) return listen_later();
    log::info("RPC at {}", address());
  });
}

void RpcServer::refuse_new_calls() {
  const std::scoped_lock lock(mutex_);
  guard_->refuse_new_calls();
  auto* health = server_ ? server_->GetHealthCheckService() : nullptr;
  if (health != nullptr) health->SetServingStatus(false);
}

void RpcServer::stop(Duration grace) {
  const auto deadline = std::chrono::steady_clock::now() + grace;
  refuse_new_calls();
  std::unique_ptr<grpc::Server> server;
  {
    const std::scoped_lock lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    server = std::move(server_);
  }
  asio::post(reads_.executor(), [this] { again_.cancel(); });
  service_.stop();
  // Shutdown closes a connection that has no calls left, and a client that writes to it just then would not read its
  // last answer: so watchers have theirs first.
  hub_.stop().wait_until(deadline);
  door_->stop_listening();
  if (server) {
    const auto left = std::max<Duration>(deadline - std::chrono::steady_clock::now(), {});
    server->Shutdown(std::chrono::system_clock::now() +
                     std::chrono::duration_cast<std::chrono::system_clock::duration>(left));
    server.reset();
  }
  // What gRPC has said last is still under way to clients.
  door_->finish(std::max(deadline, std::chrono::steady_clock::now() + k_last_words));
  guard_->close();
  audits_.finish();
  reads_.finish();
}

}  // namespace rdpmend
