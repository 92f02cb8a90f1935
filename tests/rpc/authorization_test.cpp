// Every RPC has a role, and no lower role may call it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/empty.pb.h>
#include <grpcpp/impl/codegen/client_unary_call.h>

#include <fstream>
#include <sstream>

#include "service/rpc/roles.hpp"
#include "tests/paths.hpp"
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

std::vector<const google::protobuf::FieldDescriptor*> all_verbs() {
  const auto* verb = v1::ActRequest::descriptor()->FindOneofByName("verb");
  std::vector<const google::protobuf::FieldDescriptor*> verbs;
  for (int i = 0; i < verb->field_count(); ++i) verbs.push_back(verb->field(i));
  return verbs;
}

// The rows of SECURITY.md's table of roles, as the descriptor has them.
std::string table_of_roles() {
  std::map<v1::Role, std::string> calls;
  const auto add = [&](std::optional<v1::Role> role, std::string_view call) {
    auto& row = calls[role.value_or(v1::ROLE_UNSPECIFIED)];
    row += row.empty() ? "" : ", ";
    row += call;
  };
  for (const auto& path : all_methods()) {
    const auto name = path.substr(path.rfind('/') + 1);
    if (name != "Act") add(required_role(path), name);
  }
  for (const auto* verb : all_verbs()) add(required_role(*verb), "Act: " + std::string(verb->name()));
  std::string rows;
  for (const auto& [role, row] : calls) rows += fmt::format("| {} | {} |\n", to_word(role), row);
  return rows;
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
  ASSERT_GE(all_methods().size(), 11U);
  for (const auto& path : all_methods())
    EXPECT_TRUE(required_role(path)) << path << " has no option (role) in agent.proto";
}

TEST(Authorization, EveryCommandHasARoleThatMayCallAct) {
  ASSERT_GE(all_verbs().size(), 4U);
  for (const auto* verb : all_verbs()) {
    ASSERT_TRUE(required_role(*verb)) << verb->full_name() << " has no option (verb_role) in agent.proto";
    EXPECT_GE(*required_role(*verb), *required_role("/rdpmend.v1.Agent/Act")) << verb->full_name();
  }
}

TEST(Authorization, AFieldThatIsNoCommandHasNone) {
  EXPECT_FALSE(required_role(*v1::ActRequest::descriptor()->FindFieldByName("comment")));
}

TEST(Authorization, WhatIsWrittenAboutRolesIsTrue) {
  std::ifstream file(test::source_dir() + "/service/SECURITY.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_THAT(text.str(), HasSubstr("| role | may also |\n|---|---|\n" + table_of_roles()));
}

TEST(Authorization, AnUnknownMethodHasNone) {
  EXPECT_FALSE(required_role(""));
  EXPECT_FALSE(required_role("/rdpmend.v1.Agent/Format"));
  EXPECT_FALSE(required_role("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"));
}

TEST(Authorization, WhatChangesTheHostNeedsMoreThanLooking) {
  const auto role_of = [](const char* verb) {
    return required_role(*v1::ActRequest::descriptor()->FindFieldByName(verb));
  };
  EXPECT_EQ(required_role("/rdpmend.v1.Agent/Act"), v1::ROLE_OPERATOR);
  EXPECT_EQ(required_role("/rdpmend.v1.Agent/ReportProbe"), v1::ROLE_OPERATOR);
  EXPECT_EQ(role_of("repair"), v1::ROLE_OPERATOR);
  EXPECT_EQ(role_of("dismiss"), v1::ROLE_OPERATOR);
  EXPECT_EQ(role_of("approve"), v1::ROLE_ADMIN);
  EXPECT_EQ(role_of("rollback"), v1::ROLE_ADMIN);
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

TEST(Authorization, EachCommandRefusesTheRolesBelowItsOwnAndNoOther) {
  RpcWorld world;
  for (const auto role : {v1::ROLE_VIEWER, v1::ROLE_OPERATOR, v1::ROLE_ADMIN}) {
    const auto stub = world.stub(role);
    for (const auto* verb : all_verbs()) {
      v1::ActRequest request;
      request.set_incident_id(4711);
      request.set_request_id("r");
      request.GetReflection()->MutableMessage(&request, verb);
      v1::ActResponse response;
      const auto status = stub->Act(context().get(), request, &response);
      const auto expected =
          role >= *required_role(*verb) ? grpc::StatusCode::NOT_FOUND : grpc::StatusCode::PERMISSION_DENIED;
      EXPECT_EQ(status.error_code(), expected)
          << verb->name() << " " << v1::Role_Name(role) << ": " << status.error_message();
    }
  }
}

TEST(Authorization, ACommandThatIsRefusedSaysWhichRoleItNeeds) {
  RpcWorld world;
  v1::ActRequest request;
  request.set_incident_id(4711);
  request.set_request_id("r");
  request.mutable_rollback();
  v1::ActResponse response;
  const auto status = world.stub(v1::ROLE_OPERATOR)->Act(context().get(), request, &response);
  EXPECT_EQ(status.error_message(), "Rollback needs the role admin, and operator is operator");
}

TEST(Authorization, AMethodWithoutARoleIsRefusedToAnAdminToo) {
  RpcWorld world;
  const auto status = call(world.channel(&world.client(v1::ROLE_ADMIN)), "/rdpmend.v1.Agent/Format");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(status.error_message(), HasSubstr("/rdpmend.v1.Agent/Format"));
}

}  // namespace
}  // namespace rdpmend
