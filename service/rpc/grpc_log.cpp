#include "service/rpc/grpc_log.hpp"

#include "agent-lib/support/grpc_compat.hpp"
#include "agent-lib/support/log.hpp"

namespace rdpmend {

namespace {

// What gRPC calls an error is often a client that went away: a warning at most.
void write_line(bool is_error, std::string_view message) {
  log::line(is_error ? log::Level::warning : log::Level::debug, "gRPC: {}", message);
}

}  // namespace

void route_grpc_log() {
  compat::take_grpc_log<write_line>();
}

}  // namespace rdpmend
