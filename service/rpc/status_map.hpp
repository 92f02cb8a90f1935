// Our errors as gRPC statuses: the one place that knows which is which. The CLI maps statuses on to its exit codes.
#pragma once

#include <grpcpp/support/status.h>

#include "agent-lib/support/result.hpp"

namespace rdpmend {

// Message for people, and a v1::ErrorDetail (code, hint, OS code) in the status details.
grpc::Status to_grpc_status(const Error& error);

}  // namespace rdpmend
