#include "service/rpc/grpc_log.hpp"

#include <grpc/support/log.h>

#include "agent-lib/support/log.hpp"

namespace rdpmend {

namespace {

// What gRPC calls an error is often a client that went away: a warning at most.
void write_line(gpr_log_func_args* args) {
  const auto level = args->severity == GPR_LOG_SEVERITY_ERROR ? log::Level::warning : log::Level::debug;
  log::line(level, "gRPC: {}", args->message);
}

}  // namespace

void route_grpc_log() {
  gpr_set_log_function(write_line);
}

}  // namespace rdpmend
