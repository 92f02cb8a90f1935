// The RPCs that look: status, faults, incidents, journal, health.
#include <gmock/gmock.h>

#include <thread>

#include "agent-lib/record/journal_chain.hpp"
#include "tests/rpc/rpc_world.hpp"

namespace rdpmend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ReadRpcs : public testing::Test {
 protected:
  explicit ReadRpcs(const char* scenario = "healthy")
      : world_({.scenario = scenario}), incident_(world_.settle()), stub_(world_.stub(v1::ROLE_VIEWER)) {}

  RpcWorld world_;
  std::uint64_t incident_;
  std::unique_ptr<v1::Agent::Stub> stub_;
};

class ReadRpcsOfABrokenHost : public ReadRpcs {
 protected:
  ReadRpcsOfABrokenHost() : ReadRpcs("certificate-expired") {}
};

TEST_F(ReadRpcs, StatusDescribesServiceHostAndJournal) {
  v1::GetStatusResponse status;
  ASSERT_TRUE(stub_->GetStatus(context().get(), {}, &status).ok());
  const auto range = world_.journal().range();
  EXPECT_EQ(status.version(), "1.2.3");
  EXPECT_EQ(status.host_kind(), "rehearsal healthy");
  EXPECT_FALSE(status.host_name().empty());
  EXPECT_EQ(status.open_incidents(), 0U);
  EXPECT_FALSE(status.breaker_open());
  EXPECT_THAT(status.degraded(), ElementsAre("something is degraded"));
  EXPECT_EQ(status.journal_first_seq(), 1U);
  EXPECT_EQ(status.journal_last_seq(), range.last_seq);
  EXPECT_GT(status.journal_bytes(), 0U);
  EXPECT_TRUE(status.has_last_sweep());
  EXPECT_EQ(status.last_probe().outcome(), v1::PROBE_OUTCOME_OK);
  EXPECT_THAT(status.rdp_address(), HasSubstr(":3389"));
  EXPECT_GE(from_proto(status.now()), from_proto(status.started()));
  ASSERT_EQ(status.channels_size(), 1);
  EXPECT_EQ(status.channels(0).channel(), "System");
  EXPECT_EQ(status.channels(0).state(), v1::ChannelStatus::STATE_BEHIND);
  EXPECT_EQ(status.channels(0).lag_records(), 3U);
}

TEST_F(ReadRpcsOfABrokenHost, StatusListsOpenIncidentsWithoutTheirSteps) {
  v1::GetStatusResponse status;
  ASSERT_TRUE(stub_->GetStatus(context().get(), {}, &status).ok());
  EXPECT_EQ(status.open_incidents(), 1U);
  ASSERT_EQ(status.incidents_size(), 1);
  EXPECT_EQ(status.incidents(0).id(), incident_);
  EXPECT_EQ(status.incidents(0).diagnosis().fault_id(), "certificate_expired");
  EXPECT_THAT(status.incidents(0).repair().steps(), IsEmpty());
}

v1::SimChange with_tcp_rule(bool enabled) {
  v1::SimChange change;
  auto* rule = change.mutable_firewall()->add_rules();
  rule->set_rule_id("RemoteDesktop-UserMode-In-TCP");
  rule->set_enabled(enabled);
  return change;
}

v1::Check::Answer answer_of(const v1::GetHealthResponse& health, v1::Stage stage) {
  for (const auto& check : health.checks()) {
    if (check.stage() == stage) return check.answer();
  }
  return v1::Check::ANSWER_UNSPECIFIED;
}

TEST_F(ReadRpcs, HealthIsOfNowUnlessAnOlderLookIsGoodEnough) {
  world_.host().change(with_tcp_rule(false));
  v1::GetHealthRequest request;
  v1::GetHealthResponse health;
  request.mutable_max_age()->set_seconds(3600);
  ASSERT_TRUE(stub_->GetHealth(context().get(), request, &health).ok());
  EXPECT_EQ(answer_of(health, v1::STAGE_FIREWALL), v1::Check::ANSWER_HEALTHY) << "as the first sweep saw it";
  EXPECT_EQ(health.host_name(), "RDS1");

  world_.host().advance(std::chrono::hours{2});
  ASSERT_TRUE(stub_->GetHealth(context().get(), request, &health).ok());
  EXPECT_EQ(answer_of(health, v1::STAGE_FIREWALL), v1::Check::ANSWER_FAULTY) << "the sweep is too old by now";
  world_.host().change(with_tcp_rule(true));
  ASSERT_TRUE(stub_->GetHealth(context().get(), {}, &health).ok());
  EXPECT_EQ(answer_of(health, v1::STAGE_FIREWALL), v1::Check::ANSWER_HEALTHY);
  EXPECT_EQ(answer_of(health, v1::STAGE_AGENT), v1::Check::ANSWER_FAULTY) << "this service is degraded";
  EXPECT_EQ(health.answer(), v1::Check::ANSWER_FAULTY);
}

TEST_F(ReadRpcs, HealthOfANegativeAgeIsRefused) {
  v1::GetHealthRequest request;
  request.mutable_max_age()->set_seconds(-1);
  v1::GetHealthResponse health;
  const auto status = stub_->GetHealth(context().get(), request, &health);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("max_age"));
}

TEST_F(ReadRpcsOfABrokenHost, HealthTellsOfOpenIncidentsAndNamesTheFault) {
  v1::GetHealthResponse health;
  ASSERT_TRUE(stub_->GetHealth(context().get(), {}, &health).ok());
  EXPECT_EQ(health.open_incidents(), 1U);
  for (const auto& check : health.checks()) {
    if (check.stage() != v1::STAGE_CERTIFICATE) continue;
    EXPECT_EQ(check.answer(), v1::Check::ANSWER_FAULTY);
    EXPECT_THAT(check.fault_ids(), ElementsAre("certificate_expired"));
  }
}

TEST_F(ReadRpcs, ADiagnosisComesWithTheChecksOnlyIfEverythingWasLookedFor) {
  v1::DiagnoseRequest request;
  v1::DiagnoseResponse diagnosis;
  ASSERT_TRUE(stub_->Diagnose(context().get(), request, &diagnosis).ok());
  EXPECT_EQ(diagnosis.checks_size(), v1::Stage_MAX);
  request.add_fault_ids("clock_wrong");
  ASSERT_TRUE(stub_->Diagnose(context().get(), request, &diagnosis).ok());
  EXPECT_THAT(diagnosis.checks(), IsEmpty());
}

TEST_F(ReadRpcs, FaultsComeWithTheirRulesAndTheModeInForce) {
  v1::ListFaultsResponse faults;
  ASSERT_TRUE(stub_->ListFaults(context().get(), {}, &faults).ok());
  ASSERT_EQ(faults.faults_size(), static_cast<int>(world_.catalogue().faults().size()));
  for (const auto& fault : faults.faults()) {
    EXPECT_EQ(fault.mode(), v1::FAULT_MODE_OBSERVE);
    EXPECT_EQ(fault.rules_size(), static_cast<int>(world_.catalogue().rules_for(fault.info().id()).size()));
  }
}

TEST_F(ReadRpcsOfABrokenHost, AnIncidentIsShownWhole) {
  v1::GetIncidentRequest request;
  request.set_id(incident_);
  v1::GetIncidentResponse response;
  ASSERT_TRUE(stub_->GetIncident(context().get(), request, &response).ok());
  EXPECT_EQ(response.incident().id(), incident_);
  EXPECT_GT(response.incident().diagnosis().evidence_size(), 0);
}

TEST_F(ReadRpcs, AnIncidentThatIsNotThereIsNotFound) {
  v1::GetIncidentRequest request;
  request.set_id(4711);
  v1::GetIncidentResponse response;
  const auto status = stub_->GetIncident(context().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("4711"));
  EXPECT_EQ(detail_of(status).code(), "not_found");
  EXPECT_FALSE(detail_of(status).hint().empty());

  request.set_id(0);
  EXPECT_EQ(stub_->GetIncident(context().get(), request, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ReadRpcsOfABrokenHost, IncidentsComeInPagesNewestFirst) {
  world_.host().change(with_tcp_rule(false));
  world_.sweep();

  v1::ListIncidentsRequest request;
  request.set_page_size(1);
  v1::ListIncidentsResponse page;
  std::vector<std::uint64_t> ids;
  do {
    request.set_page_token(page.next_page_token());
    page.Clear();
    const auto status = stub_->ListIncidents(context().get(), request, &page);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_LE(page.incidents_size(), 1);
    for (const auto& incident : page.incidents()) ids.push_back(incident.id());
  } while (!page.next_page_token().empty());
  ASSERT_EQ(ids.size(), 2U);
  EXPECT_GT(ids[0], ids[1]);
  EXPECT_EQ(ids[1], incident_);
}

TEST_F(ReadRpcs, APageTokenOfSomebodyElseIsRefused) {
  v1::ListIncidentsRequest request;
  request.set_page_token("12x");
  v1::ListIncidentsResponse page;
  EXPECT_EQ(stub_->ListIncidents(context().get(), request, &page).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ReadRpcs, TheJournalIsReadInPages) {
  world_.append(250);
  const auto newest = world_.journal().range().last_seq;
  v1::ReadJournalRequest request;
  v1::ReadJournalResponse page;
  std::uint64_t expected = 1;
  ChainLink last;
  do {
    request.set_after_seq(page.next_after_seq());
    page.Clear();
    ASSERT_TRUE(stub_->ReadJournal(context().get(), request, &page).ok());
    EXPECT_LE(page.entries_size(), 100);
    for (const auto& entry : page.entries()) {
      EXPECT_EQ(entry.seq(), expected++);
      EXPECT_EQ(check_link(entry, last), "") << "whoever reads the journal can check it alone";
    }
  } while (page.next_after_seq() != 0);
  EXPECT_EQ(expected, newest + 1);
}

TEST_F(ReadRpcs, APageOfTheJournalIsBoundedInBytes) {
  for (int i = 0; i < 8; ++i) {
    std::vector<v1::JournalEntry> entry(1);
    entry[0].mutable_internal_error()->set_what(std::string(1 << 20, 'x'));
    ASSERT_TRUE(world_.journal().append(entry, std::nullopt));
  }
  v1::ReadJournalRequest request;
  request.set_page_size(500);
  v1::ReadJournalResponse page;
  std::size_t entries = 0;
  do {
    request.set_after_seq(page.next_after_seq());
    page.Clear();
    const auto status = stub_->ReadJournal(context().get(), request, &page);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_LT(page.ByteSizeLong(), 4U << 20U);
    entries += static_cast<std::size_t>(page.entries_size());
  } while (page.next_after_seq() != 0);
  EXPECT_EQ(entries, world_.journal().range().last_seq);
}

TEST_F(ReadRpcs, TheJournalSaysWhetherItsChainHolds) {
  v1::ReadJournalRequest request;
  request.set_verify(true);
  v1::ReadJournalResponse page;
  ASSERT_TRUE(stub_->ReadJournal(context().get(), request, &page).ok());
  EXPECT_EQ(page.chain_error(), "");
  world_.set_chain_error("entry 3 was changed");
  ASSERT_TRUE(stub_->ReadJournal(context().get(), request, &page).ok());
  EXPECT_EQ(page.chain_error(), "entry 3 was changed");
}

TEST_F(ReadRpcs, TheJournalRefusesAPlaceThatItHasNotReached) {
  v1::ReadJournalRequest request;
  request.set_after_seq(1'000'000);
  v1::ReadJournalResponse page;
  EXPECT_EQ(stub_->ReadJournal(context().get(), request, &page).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ReadRpcs, ARequestOverTheSizeLimitIsRefusedWithTheLimit) {
  v1::DiagnoseRequest request;
  request.add_fault_ids(std::string(100 * 1024, 'x'));
  v1::DiagnoseResponse response;
  const auto status = stub_->Diagnose(context().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("65536"));
  v1::GetStatusResponse after;
  EXPECT_TRUE(stub_->GetStatus(context().get(), {}, &after).ok()) << "the connection did not survive";
}

TEST_F(ReadRpcs, CallsAreRefusedInWordsWhileTheServiceStops) {
  v1::GetStatusResponse response;
  ASSERT_TRUE(stub_->GetStatus(context().get(), {}, &response).ok());
  world_.server().refuse_new_calls();
  const auto status = stub_->GetStatus(context().get(), {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("service is stopping"));
}

}  // namespace
}  // namespace rdpmend
