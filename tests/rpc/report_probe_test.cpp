// ReportProbe: who may, what is kept of it, once only, and where it shows.
#include <gmock/gmock.h>

#include "service/rpc/probe_report.hpp"
#include "tests/rpc/rpc_world.hpp"

namespace rdpmend {
namespace {

using testing::HasSubstr;

v1::ProbeReport good_report() {
  v1::ProbeReport report;
  report.set_host("rdp1.example.net");
  report.set_port(3389);
  report.set_address("192.0.2.1");
  report.set_stage(v1::PROBE_STAGE_TLS);
  report.set_outcome(v1::PROBE_OUTCOME_OK);
  report.mutable_started()->set_seconds(1'780'000'000);
  report.mutable_certificate()->set_sha1(std::string(40, 'A'));
  report.mutable_certificate()->set_der("a certificate");
  return report;
}

class ReportProbe : public testing::Test {
 protected:
  v1::ReportProbeRequest request(const std::string& id) const {
    v1::ReportProbeRequest request;
    *request.mutable_report() = good_report();
    request.set_request_id(id);
    return request;
  }
  grpc::Status send(const v1::ReportProbeRequest& request, v1::ReportProbeResponse* response) {
    return operator_->ReportProbe(context().get(), request, response);
  }
  std::vector<v1::JournalEntry> entries_with(v1::JournalEntry::BodyCase body) {
    auto entries = world_.journal().read(0, 10'000, 0).value();
    std::erase_if(entries, [&](const auto& entry) { return entry.body_case() != body; });
    return entries;
  }
  v1::GetStatusResponse status() {
    v1::GetStatusResponse response;
    EXPECT_TRUE(world_.stub(v1::ROLE_VIEWER)->GetStatus(context().get(), {}, &response).ok());
    return response;
  }

  RpcWorld world_{{.scenario = "certificate-expired"}};
  std::uint64_t incident_ = world_.settle();
  std::unique_ptr<v1::Agent::Stub> operator_ = world_.stub(v1::ROLE_OPERATOR);
};

TEST_F(ReportProbe, IsJournalledWithWhoToldItAndFromWhereAndShownInStatus) {
  EXPECT_FALSE(status().has_last_outside_probe());
  auto asked = request("first");
  asked.set_incident_id(incident_);
  v1::ReportProbeResponse response;
  const auto sent = send(asked, &response);
  ASSERT_TRUE(sent.ok()) << sent.error_message();
  EXPECT_EQ(response.probe().client(), "operator");
  EXPECT_EQ(response.probe().peer(), "127.0.0.1");
  EXPECT_TRUE(response.probe().has_received());
  EXPECT_EQ(response.probe().report().certificate().der(), "");

  const auto kept = entries_with(v1::JournalEntry::kOutsideProbe);
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].incident_id(), incident_);
  EXPECT_EQ(kept[0].outside_probe().SerializeAsString(), response.probe().SerializeAsString());
  EXPECT_EQ(status().last_outside_probe().SerializeAsString(), response.probe().SerializeAsString());
}

TEST_F(ReportProbe, OfOneRequestIsKeptOnce) {
  v1::ReportProbeResponse first;
  v1::ReportProbeResponse again;
  ASSERT_TRUE(send(request("same"), &first).ok());
  ASSERT_TRUE(send(request("same"), &again).ok());
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(entries_with(v1::JournalEntry::kOutsideProbe).size(), 1U);
  ASSERT_TRUE(send(request("another"), &again).ok());
  EXPECT_EQ(entries_with(v1::JournalEntry::kOutsideProbe).size(), 2U);
  // The first one again, although it is the newest no more.
  ASSERT_TRUE(send(request("same"), &again).ok());
  EXPECT_FALSE(again.probe().has_received());
  EXPECT_EQ(entries_with(v1::JournalEntry::kOutsideProbe).size(), 2U);
}

TEST_F(ReportProbe, OfAnUnknownIncidentOrWithoutAnIdIsRefused) {
  auto asked = request("x");
  asked.set_incident_id(999'999);
  v1::ReportProbeResponse response;
  EXPECT_EQ(send(asked, &response).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(send(request(""), &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  asked = request("y");
  asked.clear_report();
  EXPECT_EQ(send(asked, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(entries_with(v1::JournalEntry::kOutsideProbe).empty());
}

TEST_F(ReportProbe, NeedsTheRoleOperator) {
  v1::ReportProbeResponse response;
  const auto refused = world_.stub(v1::ROLE_VIEWER)->ReportProbe(context().get(), request("viewer"), &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

TEST(BoundedReport, ClipsEveryTextAndDropsWhatNobodyNeeds) {
  auto report = good_report();
  const std::string long_text(30'000, 'x');
  for (auto* text : {report.mutable_host(), report.mutable_address(), report.mutable_detail(), report.mutable_meaning(),
                     report.mutable_tls_protocol(), report.mutable_tls_cipher(),
                     report.mutable_certificate()->mutable_subject(), report.mutable_certificate()->mutable_issuer(),
                     report.mutable_certificate()->mutable_sha1(), report.mutable_certificate()->mutable_sha256()}) {
    *text = long_text;
  }
  report.mutable_certificate()->set_der(long_text);
  report.GetReflection()->MutableUnknownFields(&report)->AddLengthDelimited(999, long_text);
  const auto bounded = bounded_report(report);
  ASSERT_TRUE(bounded.has_value());
  EXPECT_LE(bounded->ByteSizeLong(), 3000U);
  EXPECT_EQ(bounded->certificate().der(), "");
}

TEST(BoundedReport, HasNoControlCharacters) {
  auto report = good_report();
  report.set_detail("a\x1b[2Jb");
  EXPECT_EQ(bounded_report(report)->detail(), "a\uFFFD[2Jb");
}

TEST(BoundedReport, RefusesWhatIsNoReport) {
  const auto refused = [](const std::function<void(v1::ProbeReport&)>& spoil) {
    auto report = good_report();
    spoil(report);
    return !bounded_report(report).has_value();
  };
  EXPECT_TRUE(refused([](auto& report) { report.clear_outcome(); }));
  EXPECT_TRUE(refused([](auto& report) { report.set_outcome(static_cast<v1::ProbeOutcome>(99)); }));
  EXPECT_TRUE(refused([](auto& report) { report.clear_stage(); }));
  EXPECT_TRUE(refused([](auto& report) { report.clear_host(); }));
  EXPECT_TRUE(refused([](auto& report) { report.set_port(65536); }));
  EXPECT_TRUE(refused([](auto& report) { report.clear_started(); }));
  EXPECT_TRUE(refused([](auto& report) { report.mutable_started()->set_seconds(253'402'300'800); }));
  EXPECT_TRUE(refused([](auto& report) { report.mutable_started()->set_nanos(-1); }));
  EXPECT_TRUE(refused([](auto& report) { report.mutable_elapsed()->set_seconds(-1); }));
  EXPECT_TRUE(
      refused([](auto& report) { report.mutable_certificate()->mutable_not_after()->set_seconds(-62'135'596'801); }));
}

}  // namespace
}  // namespace rdpmend
