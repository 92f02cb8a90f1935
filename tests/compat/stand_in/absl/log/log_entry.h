// What protobuf_compat and grpc_compat use of protobuf 6.33, gRPC 1.81 and Abseil, declared after their own headers.
#pragma once
#include <absl/base/log_severity.h>
#include <absl/strings/string_view.h>
namespace absl {
class LogEntry {
 public:
  LogEntry(LogSeverity severity, string_view message) : severity_(severity), message_(message) {}
  LogSeverity log_severity() const { return severity_; }
  string_view text_message() const { return message_; }

 private:
  LogSeverity severity_;
  string_view message_;
};
}  // namespace absl
