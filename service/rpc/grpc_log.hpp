// gRPC's own log lines go where ours go.
#pragma once

namespace rdpmend {

// Any number of times, before gRPC is used.
void route_grpc_log();

}  // namespace rdpmend
