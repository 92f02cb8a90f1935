// What protobuf_compat and grpc_compat use of protobuf 6.33, gRPC 1.81 and Abseil, declared after their own headers.
#pragma once
#include <string_view>
namespace absl {
using std::string_view;
}  // namespace absl
