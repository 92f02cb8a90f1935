// What protobuf_compat and grpc_compat use of protobuf 6.33, gRPC 1.81 and Abseil, declared after their own headers.
#pragma once
namespace google::protobuf::util {
struct JsonPrintOptions {
  bool add_whitespace = false;
  bool always_print_fields_with_no_presence = false;
};
}  // namespace google::protobuf::util
