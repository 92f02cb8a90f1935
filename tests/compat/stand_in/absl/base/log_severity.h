// What protobuf_compat and grpc_compat use of protobuf 6.33, gRPC 1.81 and Abseil, declared after their own headers.
#pragma once
namespace absl {
enum class LogSeverity : int { kInfo = 0, kWarning = 1, kError = 2, kFatal = 3 };
enum class LogSeverityAtLeast : int { kInfo = 0, kWarning = 1, kError = 2, kFatal = 3, kInfinity = 1000 };
}  // namespace absl
