// gRPC goes down on threads of its own. At the end of a process they race with the end of OpenSSL, and what they still
// hold looks like a leak to the address sanitizer: its tests wait for them. The thread sanitizer's must not: gRPC's
// threads would be there before the first server, and since Debian's gRPC is not instrumented, the start of a thread is
// the one order that the sanitizer sees between a server's construction and its calls.
#include <grpc/grpc.h>
#include <gtest/gtest.h>

namespace {

class GrpcEnd final : public testing::Environment {
 public:
  void SetUp() override { grpc_init(); }
  void TearDown() override { grpc_shutdown_blocking(); }
};

[[maybe_unused]] const auto* const k_registered = testing::AddGlobalTestEnvironment(new GrpcEnd);

}  // namespace
