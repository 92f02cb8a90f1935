// The program against a whole service on a rehearsed host, in this process.
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <sstream>
#include <thread>

#include "agent-lib/sim/scenarios.hpp"
#include "service/app.hpp"
#include "service/config/config.hpp"
#include "service/hosts/rehearsed_host.hpp"
#include "tests/cli/canned_service.hpp"
#include "tests/cli/run.hpp"

#ifndef _WIN32
#include "tests/service/small_disk.hpp"
#endif

namespace rdpmend::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Asks the program to stop once it has written a text; each flush looks.
class StopAt : public std::stringbuf {
 public:
  StopAt(std::string text, std::stop_source stop) : text_(std::move(text)), stop_(std::move(stop)) {}

 private:
  int sync() override {
    if (str().find(text_) != std::string::npos) stop_.request_stop();
    return 0;
  }

  std::string text_;
  std::stop_source stop_;
};

class Rehearsed : public testing::Test {
 protected:
  void start(const std::string& scenario, v1::FaultMode mode = v1::FAULT_MODE_UNSPECIFIED) {
    const auto found = sim::find_scenario(scenario);
    ASSERT_TRUE(found) << to_string(found.error());
    auto host = RehearsedHost::open(*found, 0, [](const std::string&) {});
    ASSERT_TRUE(host) << to_string(host.error());
    host_ = std::move(*host);
    auto config = default_config();
    config.mutable_rpc()->set_listen("127.0.0.1:0");
    if (mode != v1::FAULT_MODE_UNSPECIFIED) {
      for (const auto& incident : found->expect().present()) {
        auto& policy = *config.mutable_policy()->add_faults();
        policy.set_fault_id(incident.fault_id());
        policy.set_mode(mode);
      }
    }
    auto app = App::start({config, folder_ / "state", host_->control(), {}});
    ASSERT_TRUE(app) << to_string(app.error());
    app_ = std::move(*app);
  }

  void TearDown() override {
    if (app_) app_->stop("the test is over");
  }

  std::vector<std::string> with_profile(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--profile", to_utf8(app_->admin_profile()), "--timeout", "60"});
    return arguments;
  }

  Ran run(const std::vector<std::string>& arguments) const { return cli::run(with_profile(arguments)); }

  // Watches from the beginning until the text is there.
  std::string watch_until(const std::string& text) const {
    std::stop_source stop;
    const std::jthread patience([stop](const std::stop_token& done) mutable {
      std::mutex mutex;
      std::unique_lock lock(mutex);
      std::condition_variable_any over;
      over.wait_for(lock, done, std::chrono::seconds{60}, [] { return false; });
      stop.request_stop();
    });
    StopAt buffer(text, stop);
    std::ostream out(&buffer);
    std::ostringstream err;
    const auto arguments = with_profile({"rdpmend", "watch", "--from-start"});
    std::vector<const char*> argv;
    for (const auto& argument : arguments) argv.push_back(argument.c_str());
    EXPECT_EQ(run_cli(static_cast<int>(argv.size()), argv.data(), out, err, {}, stop.get_token()), 0) << err.str();
    EXPECT_THAT(buffer.str(), HasSubstr(text));
    return buffer.str();
  }

  // The newest incident, once it is in this state: what a watcher is told of can be a moment ahead of what is listed.
  v1::Incident incident_in(v1::IncidentState state) const {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    v1::ListIncidentsResponse list;
    while (list.incidents().empty() || list.incidents(0).state() != state) {
      if (std::chrono::steady_clock::now() > limit) {
        ADD_FAILURE() << "no incident is " << v1::IncidentState_Name(state) << ": " << list.DebugString();
        return {};
      }
      list.Clear();
      const auto ran = run({"incidents", "--all", "--format", "json"});
      EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(ran.out, &list).ok()) << ran.out << ran.err;
    }
    return list.incidents(0);
  }

  TempFolder folder_;
  std::unique_ptr<RehearsedHost> host_;
  std::unique_ptr<App> app_;
};

TEST_F(Rehearsed, HealthOfAHealthyHostIsTwelveHealthyChecksOrMore) {
  start("healthy");
  const auto ran = run({"health", "--format", "json"});
  v1::GetHealthResponse health;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(ran.out, &health).ok()) << ran.out << ran.err;
  const auto healthy = std::ranges::count_if(
      health.checks(), [](const auto& check) { return check.answer() == v1::Check::ANSWER_HEALTHY; });
  EXPECT_GE(healthy, 12) << ran.out;
  EXPECT_EQ(ran.exit, 0) << ran.out;
}

TEST_F(Rehearsed, HealthWaitsUntilTheServiceHasHealedTheHost) {
  start("certificate-key-missing");
  const auto ran = run({"health", "--wait", "--at-most", "60"});
  EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, Not(HasSubstr("faulty  ")));
}

TEST_F(Rehearsed, AnAdministratorPlansApprovesAndSeesTheHostRepaired) {
  start("certificate-key-missing", v1::FAULT_MODE_PROPOSE);
  EXPECT_THAT(watch_until("awaiting approval"), HasSubstr("certificate_expired"));
  const auto incident = incident_in(v1::INCIDENT_STATE_AWAITING_APPROVAL);
  const auto id = std::to_string(incident.id());
  EXPECT_EQ(run({"status", "--check"}).exit, 5);
  EXPECT_EQ(run({"probe", host_->outside_address()}).exit, 2);

  const auto plan = run({"plan", "certificate_expired"});
  EXPECT_EQ(plan.exit, 0) << plan.err;
  EXPECT_THAT(plan.out, AllOf(HasSubstr("restart service SessionEnv"), HasSubstr("asks first: drops sessions"),
                              HasSubstr("nothing has been written")));

  EXPECT_EQ(run({"approve", id, "--plan", "0/0"}).exit, 2);
  const auto approved = run({"approve", id, "--plan", incident.repair().plan().id(), "--wait"});
  EXPECT_EQ(approved.exit, 0) << approved.out << approved.err;
  EXPECT_THAT(approved.out, AllOf(HasSubstr("asked for Approve"), HasSubstr("repair ended, repaired")));

  incident_in(v1::INCIDENT_STATE_REPAIRED);
  EXPECT_EQ(run({"status", "--check"}).exit, 0);
  EXPECT_EQ(run({"probe", host_->outside_address()}).exit, 0);
  EXPECT_EQ(run({"watch", "--incident", id}).exit, 0);
  EXPECT_EQ(run({"journal", "--verify"}).exit, 0);
}

// The service says nothing to strangers, so the program must.
TEST_F(Rehearsed, AClientThatIsNotTrustedIsToldHowToEnrol) {
  start("healthy");
  const auto folder = app_->admin_profile().parent_path();
  const auto stranger = make_test_certificate(CertificateRequest::Usage::client, "stranger");
  write_bytes(folder / "client.crt", stranger.certificate_pem);
  write_bytes(folder / "client.key", stranger.key_pem);
  const auto ran = run({"status"});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("does not trust"), HasSubstr(to_utf8(app_->admin_profile())),
                             HasSubstr("trust.textproto")));
}

TEST_F(Rehearsed, AClientWhoseCertificateExpiredIsToldSo) {
  start("healthy");
  const auto folder = app_->admin_profile().parent_path();
  const auto old = make_test_certificate(CertificateRequest::Usage::client, "old", std::chrono::hours{-1});
  write_bytes(folder / "client.crt", old.certificate_pem);
  write_bytes(folder / "client.key", old.key_pem);
  const auto ran = run({"status"});
  EXPECT_EQ(ran.exit, 4);
  EXPECT_THAT(ran.err, HasSubstr("your client certificate expired on"));
}

#ifndef _WIN32
TEST_F(Rehearsed, AFullDiskShowsInTheStatusForAsLongAsItIsFull) {
  SmallDisk disk;
  start("certificate-expired", v1::FAULT_MODE_OBSERVE);
  watch_until("opened, certificate_expired");
  const auto id = std::to_string(incident_in(v1::INCIDENT_STATE_OPEN).id());
  disk.has_room_for(0);
  EXPECT_EQ(run({"dismiss", id}).exit, 2);
  const auto full = run({"status", "--check"});
  EXPECT_EQ(full.exit, 5);
  EXPECT_THAT(full.out, AllOf(HasSubstr("degraded"), HasSubstr("journal cannot be written"), HasSubstr("full")));
  disk.is_free();
  // Nobody writes; the service itself notices that there is room again.
  EXPECT_THAT(watch_until("it can again"), HasSubstr("could not be written"));
  EXPECT_THAT(run({"status"}).out, Not(HasSubstr("degraded")));
  EXPECT_EQ(run({"dismiss", id}).exit, 0);
  EXPECT_EQ(run({"status", "--check"}).exit, 0);
}
#endif

TEST_F(Rehearsed, ARepairCanBeStartedAndFollowed) {
  start("firewall-rule-disabled", v1::FAULT_MODE_OBSERVE);
  watch_until("opened, firewall_rule_disabled");
  const auto id = std::to_string(incident_in(v1::INCIDENT_STATE_OPEN).id());
  const auto ran = run({"repair", id, "--wait", "--comment", "ticket 1234"});
  EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("ticket 1234"), HasSubstr("repair ended, repaired")));
}

TEST_F(Rehearsed, ARepairCanBeUndoneAndFollowed) {
  start("firewall-rule-disabled");
  watch_until("repaired");
  const auto id = std::to_string(incident_in(v1::INCIDENT_STATE_REPAIRED).id());
  const auto ran = run({"rollback", id, "--wait", "--comment", "wrong host"});
  EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("wrong host"), HasSubstr("repair ended, rolled back")));
  EXPECT_EQ(run({"probe", host_->outside_address()}).exit, 2);
}

TEST_F(Rehearsed, ADismissedIncidentIsClosed) {
  start("clock-wrong");
  watch_until("opened, clock_wrong");
  const auto id = std::to_string(incident_in(v1::INCIDENT_STATE_ESCALATED).id());
  EXPECT_EQ(run({"dismiss", id, "--comment", "known"}).exit, 0);
  const auto watched = run({"watch", "--incident", id});
  EXPECT_EQ(watched.exit, 2);
  EXPECT_THAT(watched.out, HasSubstr("dismissed"));
}

TEST_F(Rehearsed, ExplainTellsWhatTheHostSays) {
  start("clock-wrong");
  const auto ran = run({"explain", "0x904", "0x7"});
  EXPECT_EQ(ran.exit, 0);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("This host's diagnosis now"), HasSubstr("clock_wrong")));
}

TEST_F(Rehearsed, WhatIsNotThereIsRefusedWithWords) {
  start("healthy");
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"show", "999"},
                                                                     {"repair", "999"},
                                                                     {"repair", "999", "--wait"},
                                                                     {"plan", "no_such"},
                                                                     {"diagnose", "no_such"}}) {
    const auto ran = run(arguments);
    EXPECT_EQ(ran.exit, 2) << testing::PrintToString(arguments) << ran.err;
    EXPECT_THAT(ran.err, HasSubstr("next: "));
  }
}

}  // namespace
}  // namespace rdpmend::cli
