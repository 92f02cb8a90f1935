// What protobuf_compat and grpc_compat use of protobuf 6.33, gRPC 1.81 and Abseil, declared after their own headers.
#pragma once
#include <absl/strings/string_view.h>
namespace google::protobuf::io {
using ColumnNumber = int;
class ErrorCollector {
 public:
  ErrorCollector() = default;
  ErrorCollector(const ErrorCollector&) = delete;
  ErrorCollector& operator=(const ErrorCollector&) = delete;
  virtual ~ErrorCollector() = default;
  virtual void RecordError(int line, ColumnNumber column, absl::string_view message) = 0;
  virtual void RecordWarning(int, ColumnNumber, absl::string_view) {}
};
}  // namespace google::protobuf::io
