// Every RPC has a role, and no lower role may call it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/empty.pb.h>
#include <grpcpp/impl/codegen/client_unary_call.h>

#include "service/rpc/authz_table.hpp"
#include "tests/rpc/rpc_world.hpp"

namespace rdpmend {
namespace {

using testing::HasSubstr;

std::vector<std::string> all_methods() {
  const auto* service = v1::GetStatusRequest::descriptor()->file()->FindServiceByName("Agent");
  std::vector<std::string> paths;
  for (int i = 0; i < service->method_count(); ++i)
    paths.push_back(fmt::format("/{}/{}", service->full_name(), service->method(i)->name()));
  return paths;
}

// Calls any method with an empty request; for Watch the first message is enough.
grpc::Status call(const std::shared_ptr<grpc::Channel>& channel, const std::string& path) {
  const auto call_context = context();
  if (path.ends_with("/Watch")) {
    const auto stub = v1::Agent::NewStub(channel);
    const auto stream = stub->Watch(call_context.get(), {});
    v1::WatchResponse response;
    if (!stream->Read(&response)) return stream->Finish();
    call_context->TryCancel();
    stream->Finish();
    return grpc::Status::OK;
  }
  const grpc::internal::RpcMethod method(path.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
  google::protobuf::Empty response;  // Whatever comes is unknown fields.
  return grpc::internal::BlockingUnaryCall<google::protobuf::Message, google::protobuf::Message>(
      channel.get(), method, call_context.get(), google::protobuf::Empty(), &response);
}

TEST(Authorization, EveryMethodOfTheServiceHasARole) {
  ASSERT_GE(all_methods().size(), 12U);
  for (const auto& path : all_methods()) EXPECT_TRUE(required_role(path)) << path << " has no row in authz_table.cpp";
}

TEST(Authorization, AnUnknownMethodHasNone) {
  EXPECT_FALSE(required_role(""));
  EXPECT_FALSE(required_role("/rdpmend.v1.Agent/Format"));
  EXPECT_FALSE(required_role("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"));
}

TEST(Authorization, WhatChangesTheHostNeedsMoreThanLooking) {
  EXPECT_EQ(required_role("/rdpmend.v1.Agent/Repair"), v1::ROLE_OPERATOR);
  EXPECT_EQ(required_role("/rdpmend.v1.Agent/Dismiss"), v1::ROLE_OPERATOR);
  EXPECT_EQ(required_role("/rdpmend.v1.Agent/ReportProbe"), v1::ROLE_OPERATOR);
  EXPECT_EQ(required_role("/rdpmend.v1.Agent/Approve"), v1::ROLE_ADMIN);
  EXPECT_EQ(required_role("/rdpmend.v1.Agent/Rollback"), v1::ROLE_ADMIN);
}

TEST(Authorization, EachMethodRefusesTheRolesBelowItsOwnAndNoOther) {
  RpcWorld world;
  std::map<v1::Role, std::shared_ptr<grpc::Channel>> channels;
  for (const auto role : {v1::ROLE_VIEWER, v1::ROLE_OPERATOR, v1::ROLE_ADMIN})
    channels[role] = world.channel(&world.client(role));
  for (const auto& path : all_methods()) {
    for (const auto& [role, channel] : channels) {
      const auto status = call(channel, path);
      if (role >= *required_role(path)) {
        EXPECT_NE(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << path << " " << v1::Role_Name(role);
        EXPECT_NE(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << path << ": " << status.error_message();
      } else {
        EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << path << " " << v1::Role_Name(role);
        EXPECT_THAT(status.error_message(), HasSubstr(std::string(to_word(*required_role(path)))));
      }
    }
  }
}

TEST(Authorization, AMethodWithoutARowIsRefusedToAnAdminToo) {
  RpcWorld world;
  const auto status = call(world.channel(&world.client(v1::ROLE_ADMIN)), "/rdpmend.v1.Agent/Format");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(status.error_message(), HasSubstr("/rdpmend.v1.Agent/Format"));
}

}  // namespace
}  // namespace rdpmend
