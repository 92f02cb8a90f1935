// gRPC goes down on threads of its own. At the end of a process they race with the end of OpenSSL, and what they still
// hold looks like a leak: tests wait for them.
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
