// Lend and GiveBack: who may, what must be said, and where it shows.
#include <gmock/gmock.h>

#include "tests/rpc/rpc_world.hpp"

namespace rdpmend {
namespace {

using testing::HasSubstr;

class LoanRpcs : public testing::Test {
 protected:
  LoanRpcs() { world_.settle(); }

  static v1::LendRequest relaxation(const std::string& id = "lend") {
    v1::LendRequest request;
    request.set_kind(v1::Loan::KIND_NLA);
    request.mutable_duration()->set_seconds(3600);
    request.set_reason("an old client");
    request.set_request_id(id);
    return request;
  }
  static v1::GiveBackRequest the_end(const std::string& id = "back") {
    v1::GiveBackRequest request;
    request.set_kind(v1::Loan::KIND_NLA);
    request.set_request_id(id);
    return request;
  }
  grpc::Status lend(const v1::LendRequest& request, v1::Role role = v1::ROLE_ADMIN) {
    return world_.stub(role)->Lend(context().get(), request, &lent_);
  }
  grpc::Status give_back(const v1::GiveBackRequest& request, v1::Role role = v1::ROLE_OPERATOR) {
    v1::GiveBackResponse response;
    return world_.stub(role)->GiveBack(context().get(), request, &response);
  }
  v1::GetStatusResponse status() {
    v1::GetStatusResponse response;
    EXPECT_TRUE(world_.stub(v1::ROLE_VIEWER)->GetStatus(context().get(), {}, &response).ok());
    return response;
  }
  std::optional<std::uint32_t> nla() {
    return read_dword(world_.host().control().registry, registry_key::k_rdp_tcp, "UserAuthentication").value();
  }

  RpcWorld world_;
  v1::LendResponse lent_;
};

TEST_F(LoanRpcs, OnlyAnAdminRelaxesAndAnOperatorMayEndIt) {
  for (const auto role : {v1::ROLE_VIEWER, v1::ROLE_OPERATOR})
    EXPECT_EQ(lend(relaxation(), role).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(nla(), 1U);
  const auto done = lend(relaxation());
  ASSERT_TRUE(done.ok()) << done.error_message();
  EXPECT_EQ(nla(), 0U);
  EXPECT_EQ(give_back(the_end(), v1::ROLE_VIEWER).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(nla(), 0U);
  EXPECT_TRUE(give_back(the_end()).ok());
  EXPECT_EQ(nla(), 1U);
}

TEST_F(LoanRpcs, EverybodySeesInStatusWhatIsRelaxedByWhomAndWhy) {
  ASSERT_TRUE(lend(relaxation()).ok());
  const auto shown = status();
  ASSERT_EQ(shown.loans_size(), 1);
  EXPECT_EQ(shown.loans(0).SerializeAsString(), lent_.loan().SerializeAsString());
  EXPECT_EQ(shown.loans(0).asked_by(), "admin");
  EXPECT_EQ(shown.loans(0).why(), "an old client");
  ASSERT_TRUE(give_back(the_end()).ok());
  EXPECT_EQ(status().loans_size(), 0);
}

TEST_F(LoanRpcs, AreJournalledOnceWithNameCertificateAndAddress) {
  ASSERT_TRUE(lend(relaxation()).ok());
  ASSERT_TRUE(lend(relaxation()).ok()) << "the same request again";
  std::vector<v1::AdminAction> actions;
  const auto entries = world_.journal().read(0, 10'000).value();
  for (const auto& entry : entries) {
    if (entry.has_admin_action()) actions.push_back(entry.admin_action());
  }
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].method(), "Lend");
  EXPECT_EQ(actions[0].client(), "admin");
  EXPECT_EQ(actions[0].certificate_sha256().size(), 64U);
  EXPECT_EQ(actions[0].peer(), "127.0.0.1");
  EXPECT_EQ(actions[0].comment(), "an old client");
}

TEST_F(LoanRpcs, WithoutAReasonOrATimeThatMayBeNothingIsRelaxed) {
  auto request = relaxation();
  request.set_reason("  ");
  EXPECT_EQ(lend(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request = relaxation();
  request.set_reason(std::string(1001, 'x'));
  EXPECT_EQ(lend(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request = relaxation("");
  EXPECT_EQ(lend(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  for (const std::int64_t seconds :
       {std::int64_t{0}, std::int64_t{-3600}, std::int64_t{9 * 3600}, std::int64_t{1} << 60}) {
    request = relaxation();
    request.mutable_duration()->set_seconds(seconds);
    EXPECT_EQ(lend(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT) << seconds;
  }
  request = relaxation();
  request.clear_kind();
  EXPECT_EQ(lend(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(nla(), 1U);
  EXPECT_EQ(give_back(the_end()).error_code(), grpc::StatusCode::FAILED_PRECONDITION) << "nothing is relaxed";
}

TEST_F(LoanRpcs, WhatAPolicyDecidesIsRefusedWithItsName) {
  v1::SimChange change;
  auto& value = *change.add_registry();
  value.set_key("HKLM\\" + std::string(registry_key::k_policy));
  value.set_name("UserAuthentication");
  value.set_dword(1);
  world_.host().change(change);
  const auto refused = lend(relaxation());
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(refused.error_message(),
              HasSubstr(R"(Policies\Microsoft\Windows NT\Terminal Services\UserAuthentication)"));
}

}  // namespace
}  // namespace rdpmend
