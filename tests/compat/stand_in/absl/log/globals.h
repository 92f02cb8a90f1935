// What protobuf_compat and grpc_compat use of protobuf 6.33, gRPC 1.81 and Abseil, declared after their own headers.
#pragma once
#include <absl/base/log_severity.h>
namespace absl {
void SetStderrThreshold(LogSeverityAtLeast severity);
}  // namespace absl
