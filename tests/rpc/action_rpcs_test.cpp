// The RPCs that the engine works for: diagnose, plan, repair, approve, roll back, dismiss.
#include <gmock/gmock.h>

#include "service/pki/certificate.hpp"
#include "tests/rpc/rpc_world.hpp"

namespace rdpmend {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ActionRpcs : public testing::Test {
 protected:
  ActionRpcs() : world_({.scenario = "certificate-expired"}), incident_(world_.settle()) {}

  v1::ActRequest about_incident(const std::string& request_id) const {
    v1::ActRequest request;
    request.set_incident_id(incident_);
    request.set_request_id(request_id);
    request.set_comment("a test");
    return request;
  }
  std::size_t entries_with(v1::JournalEntry::BodyCase body) {
    const auto entries = world_.journal().read(0, 10'000, 0).value();
    return static_cast<std::size_t>(std::ranges::count(entries, body, &v1::JournalEntry::body_case));
  }

  RpcWorld world_;
  std::uint64_t incident_;
  std::unique_ptr<v1::Agent::Stub> viewer_ = world_.stub(v1::ROLE_VIEWER);
  std::unique_ptr<v1::Agent::Stub> admin_ = world_.stub(v1::ROLE_ADMIN);
};

TEST_F(ActionRpcs, DiagnoseReadsTheHostNow) {
  v1::DiagnoseResponse response;
  const auto status = viewer_->Diagnose(context().get(), {}, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.findings_size(), static_cast<int>(world_.catalogue().faults().size()));
  for (const auto& finding : response.findings()) {
    const bool present = finding.outcome() == v1::Finding::OUTCOME_PRESENT;
    EXPECT_EQ(present, finding.fault_id() == "certificate_expired") << finding.fault_id();
    EXPECT_EQ(present, finding.has_diagnosis());
  }
  EXPECT_NE(response.own_address_probe().outcome(), v1::PROBE_OUTCOME_UNSPECIFIED);
}

TEST_F(ActionRpcs, DiagnoseOfAnUnknownFaultNamesTheKnownOnes) {
  v1::DiagnoseRequest request;
  request.add_fault_ids("printer_on_fire");
  v1::DiagnoseResponse response;
  const auto status = viewer_->Diagnose(context().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("printer_on_fire"));
  EXPECT_THAT(detail_of(status).hint(), HasSubstr("certificate_expired"));
}

TEST_F(ActionRpcs, ASelftestComparesTheHostThatTheServiceSeesAndWritesNothing) {
  using Check = v1::SelfTestResponse::Check;
  const auto before = world_.host().fingerprint();
  v1::SelfTestResponse response;
  const auto status = viewer_->SelfTest(context().get(), {}, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(world_.host().fingerprint(), before);
  const auto outcome_of = [&](const std::string& what) {
    for (const auto& check : response.checks()) {
      if (check.what() == what) return check.outcome();
    }
    return Check::OUTCOME_UNSPECIFIED;
  };
  EXPECT_EQ(outcome_of("expiry of the self-signed certificate"), Check::OUTCOME_DIFFERENT);
  EXPECT_EQ(outcome_of("build of Windows"), Check::OUTCOME_AS_EXPECTED);
}

TEST_F(ActionRpcs, APlanShowsWhatWouldBeWrittenAndWritesNothing) {
  const auto before = world_.host().fingerprint();
  v1::PlanRepairRequest request;
  request.set_fault_id("certificate_expired");
  v1::PlanRepairResponse response;
  const auto status = viewer_->PlanRepair(context().get(), request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.dry_runs_size(), 1);
  EXPECT_THAT(response.dry_runs(0).plan().rungs(), Not(IsEmpty()));
  EXPECT_EQ(world_.host().fingerprint(), before);

  request.set_fault_id("nonsense");
  EXPECT_EQ(viewer_->PlanRepair(context().get(), request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ActionRpcs, RepairIsJournalledWithWhoAskedFromWhereAndWithWhichCertificate) {
  auto request = about_incident("r-1");
  request.mutable_repair();
  v1::ActResponse response;
  const auto status = admin_->Act(context().get(), request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.incident().id(), incident_);
  const auto entries = world_.journal().read(0, 10'000, 0).value();
  const auto action = std::ranges::find_if(entries, &v1::JournalEntry::has_admin_action);
  ASSERT_NE(action, entries.end());
  EXPECT_EQ(action->admin_action().client(), "admin");
  EXPECT_EQ(action->admin_action().peer(), "127.0.0.1");
  EXPECT_EQ(action->admin_action().certificate_sha256(),
            parse_certificate(world_.client(v1::ROLE_ADMIN).certificate_pem).value().sha256);
  EXPECT_EQ(action->incident_id(), incident_);
  EXPECT_EQ(action->fault_id(), response.incident().diagnosis().fault_id());
  EXPECT_EQ(action->admin_action().method(), "Repair");
  EXPECT_EQ(action->admin_action().request_id(), "r-1");
  EXPECT_EQ(action->admin_action().comment(), "a test");
}

TEST_F(ActionRpcs, TheSameRequestAgainDoesNothing) {
  auto request = about_incident("same");
  request.mutable_dismiss();
  v1::ActResponse first, second;
  ASSERT_TRUE(admin_->Act(context().get(), request, &first).ok());
  EXPECT_EQ(first.incident().state(), v1::INCIDENT_STATE_DISMISSED);
  const auto newest = world_.journal().range().last_seq;
  const auto status = admin_->Act(context().get(), request, &second);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(second.incident().id(), incident_);
  EXPECT_EQ(world_.journal().range().last_seq, newest);
  EXPECT_EQ(entries_with(v1::JournalEntry::kAdminAction), 1U);
}

TEST_F(ActionRpcs, AnIncidentThatWaitsForNothingCannotBeApproved) {
  auto request = about_incident("a-1");
  request.mutable_approve();
  v1::ActResponse response;
  const auto status = admin_->Act(context().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION) << status.error_message();
  EXPECT_EQ(detail_of(status).code(), "conflict");
  EXPECT_EQ(entries_with(v1::JournalEntry::kAdminAction), 0U);
}

TEST_F(ActionRpcs, AnIncidentWithoutARepairCannotBeRolledBack) {
  auto request = about_incident("b-1");
  request.mutable_rollback();
  v1::ActResponse response;
  const auto status = admin_->Act(context().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION) << status.error_message();
}

TEST_F(ActionRpcs, AnIncidentThatIsNotThereIsNotFound) {
  auto request = about_incident("r-2");
  request.mutable_repair();
  request.set_incident_id(4711);
  v1::ActResponse response;
  EXPECT_EQ(admin_->Act(context().get(), request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ActionRpcs, RequestsAreCheckedBeforeAnythingIsDone) {
  const auto approval = [&](const std::string& request_id) {
    auto request = about_incident(request_id);
    request.mutable_approve();
    return request;
  };
  const auto refused = [&](const v1::ActRequest& request, const std::string& field) {
    v1::ActResponse response;
    const auto status = admin_->Act(context().get(), request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << request.ShortDebugString();
    EXPECT_THAT(status.error_message(), HasSubstr(field));
    EXPECT_FALSE(detail_of(status).hint().empty());
  };
  refused(approval(""), "request_id");
  refused(approval(std::string(65, 'x')), "request_id");
  refused(approval("two words"), "request_id");
  refused(approval("bell\a"), "request_id");
  auto request = approval("fine");
  request.set_incident_id(0);
  refused(request, "incident_id");
  request = approval("fine");
  request.set_comment(std::string(1001, 'x'));
  refused(request, "comment");
  request = approval("fine");
  request.mutable_approve()->set_plan_id("7 / 1");
  refused(request, "plan_id");
  refused(about_incident("fine"), "verb");
  EXPECT_EQ(entries_with(v1::JournalEntry::kAdminAction), 0U);
}

TEST_F(ActionRpcs, ACallOutlivesAClientThatGivesUp) {
  world_.block_worker();
  v1::DiagnoseResponse response;
  const auto call_context = context();
  call_context->set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds{50});
  EXPECT_EQ(viewer_->Diagnose(call_context.get(), {}, &response).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  world_.release_worker();  // The engine's late answer must touch nothing of that call.
  EXPECT_TRUE(viewer_->Diagnose(context().get(), {}, &response).ok());
}

}  // namespace
}  // namespace rdpmend
