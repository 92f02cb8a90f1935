#include "service/rpc/server.hpp"

#include <fmt/format.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>

#include "service/rpc/grpc_log.hpp"

namespace rdpmend {

namespace {

constexpr int k_max_streams_per_connection = 128;
constexpr std::chrono::milliseconds k_handshake_limit = std::chrono::seconds{20};
// A client that vanished without a word gives its Watch slot back.
constexpr std::chrono::milliseconds k_keepalive_interval = std::chrono::minutes{1};
constexpr std::chrono::milliseconds k_keepalive_timeout = std::chrono::seconds{20};
constexpr std::chrono::milliseconds k_shortest_client_ping = std::chrono::seconds{10};

int millis(std::chrono::milliseconds duration) {
  return static_cast<int>(duration.count());
}

// gRPC's lowest TLS version for these credentials is 1.2. REQUIRE: no certificate, no handshake. BUT_DONT_VERIFY: TLS
// proves that the client has its certificate's key; whether it is trusted is call_guard's, which can say why not.
std::shared_ptr<grpc::ServerCredentials> credentials(const ServerKeys& keys, std::shared_ptr<CallGuard> guard) {
  grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  options.pem_key_cert_pairs.push_back({keys.key_pem, keys.certificate_pem});
  auto made = grpc::SslServerCredentials(options);
  made->SetAuthMetadataProcessor(std::move(guard));
  return made;
}

void limit(grpc::ServerBuilder& builder, const v1::RpcConfig& config) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(config.max_request_bytes()));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, k_max_streams_per_connection);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, millis(k_handshake_limit));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, millis(k_keepalive_interval));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, millis(k_keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, millis(k_shortest_client_ping));
  // Else a second service could share the port and get half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
}

}  // namespace

Result<std::unique_ptr<RpcServer>> RpcServer::start(const v1::RpcConfig& config, const ServerKeys& keys,
                                                    TrustStore& trust, AgentServiceParts parts,
                                                    GuardedThread::Report report) {
  route_grpc_log();
  std::unique_ptr<RpcServer> server(new RpcServer(config, trust, std::move(parts), std::move(report)));
  if (auto listening = server->listen(config, keys); !listening) return fail(std::move(listening.error()));
  server->reads_.start();
  server->audits_.start();
  return server;
}

RpcServer::RpcServer(const v1::RpcConfig& config, TrustStore& trust, AgentServiceParts parts,
                     GuardedThread::Report report)
    : reads_("rpc reads", report),
      audits_("rpc audits", std::move(report)),
      guard_(std::make_shared<CallGuard>(trust)),
      hub_(parts.journal, reads_.executor(), config.max_watchers()),
      service_(std::move(parts), *guard_, hub_, reads_.executor(), audits_.executor()) {}

RpcServer::~RpcServer() {
  stop(std::chrono::seconds{1});
}

Status RpcServer::listen(const v1::RpcConfig& config, const ServerKeys& keys) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  limit(builder, config);
  int port = 0;
  builder.AddListeningPort(config.listen(), credentials(keys, guard_), &port);
  builder.RegisterService(&service_);
  server_ = builder.BuildAndStart();
  if (!server_ || port == 0) {
    server_.reset();
    return fail(ErrorCode::unavailable, fmt::format("cannot listen on {}", config.listen()),
                "Another rdpmendd or another program may be using that port, or the address is not this machine's: "
                "choose another with rpc.listen in the configuration (port 0: any that is free).");
  }
  address_ = fmt::format("{}:{}", config.listen().substr(0, config.listen().rfind(':')), port);
  return {};
}

void RpcServer::refuse_new_calls() {
  if (!server_) return;
  if (auto* health = server_->GetHealthCheckService()) health->SetServingStatus(false);
  guard_->refuse_new_calls();
}

void RpcServer::stop(Duration grace) {
  if (!server_) return;
  const auto deadline = std::chrono::steady_clock::now() + grace;
  refuse_new_calls();
  service_.stop();
  // Shutdown closes a connection that has no calls left, and a client that writes to it just then would not read its
  // last answer: so watchers have theirs first.
  hub_.stop().wait_until(deadline);
  const auto left = std::max<Duration>(deadline - std::chrono::steady_clock::now(), {});
  server_->Shutdown(std::chrono::system_clock::now() +
                    std::chrono::duration_cast<std::chrono::system_clock::duration>(left));
  server_.reset();
  audits_.finish();
  reads_.finish();
}

}  // namespace rdpmend
