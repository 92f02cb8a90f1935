#include "tests/bench/rpc_server.hpp"

#include <fmt/format.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <signal.h>

#include <cstdio>

#include "agent-lib/sim/scenarios.hpp"
#include "rdpmend/v1/agent.grpc.pb.h"
#include "service/app.hpp"
#include "service/config/config.hpp"
#include "service/hosts/rehearsed_host.hpp"
#include "service/os/private_file.hpp"
#include "tests/bench/scratch_folder.hpp"

namespace rdpmend::bench {
namespace {

class Echo final : public v1::Agent::CallbackService {
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context, const v1::GetStatusRequest*,
                                      v1::GetStatusResponse*) override {
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

std::unique_ptr<grpc::Server> start_echo(Echo& echo, const PkiPaths& paths, int& port) {
  grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  constexpr std::size_t k_most = 64 * 1024;
  options.pem_key_cert_pairs.push_back(
      {read_small_file(paths.server_key, k_most).value(), read_small_file(paths.server_certificate, k_most).value()});
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port);
  builder.RegisterService(&echo);
  return builder.BuildAndStart();
}

Status serve_until(const sigset_t& signals) {
  const ScratchFolder folder;
  const auto scenario = sim::find_scenario("healthy");
  if (!scenario) return fail(scenario.error());
  auto host = RehearsedHost::open(*scenario, 0, [](const std::string&) {});
  if (!host) return fail(host.error());
  auto config = default_config();
  config.mutable_rpc()->set_listen("127.0.0.1:0");
  auto app = App::start({std::move(config), folder.path(), (*host)->control(), {}});
  if (!app) return fail(app.error());

  Echo echo;
  int port = 0;
  const auto echo_server = start_echo(echo, PkiPaths{folder.path()}, port);
  fmt::print("profile {}\necho 127.0.0.1:{}\n", (*app)->admin_profile().string(), port);
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  echo_server->Shutdown();
  (*app)->stop("measured");
  return {};
}

}  // namespace

int serve() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // Inherited by every thread: only sigwait takes it.
  const auto done = serve_until(signals);
  if (!done) fmt::print(stderr, "{}\n", to_string(done.error()));
  return done ? 0 : 1;
}

}  // namespace rdpmend::bench
