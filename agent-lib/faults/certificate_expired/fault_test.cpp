#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent-lib/faults/listener_certificate.hpp"
#include "agent-lib/steps/step_kind.hpp"
#include "tests/engine/rehearsed_engine.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

struct Bench {
  explicit Bench(const std::string& name) : host(scenario(name), {}) {}

  std::optional<v1::Diagnosis> detect() { return only(fault().detect(host.control().view(), {}).value()); }
  v1::Plan plan() {
    auto plan = fault().plan(host.control().view(), detect().value()).value();
    EXPECT_TRUE(finish_plan(plan));
    return plan;
  }
  const Fault& fault() const {
    for (const auto& each : faults) {
      if (each->id() == "certificate_expired") return *each;
    }
    throw std::logic_error("no such fault");
  }
  void set_registry(const std::string& key, const std::string& name, const std::string& text) {
    v1::SimChange change;
    auto& value = *change.add_registry();
    value.set_key("HKLM\\" + key);
    value.set_name(name);
    if (text.empty())
      value.set_absent(true);
    else
      value.set_text(text);
    host.change(change);
  }

  sim::SimHost host;
  std::vector<std::unique_ptr<Fault>> faults = make_faults();
};

std::vector<std::string> writes(const v1::Plan& plan) {
  std::vector<std::string> result;
  for (const auto& rung : plan.rungs()) {
    for (const auto& step : rung.steps()) result.push_back(step.description());
  }
  return result;
}

std::string all_text(const v1::Diagnosis& diagnosis) {
  return diagnosis.DebugString();
}

TEST(CertificateExpired, IsAbsentOnAHealthyHost) {
  EXPECT_FALSE(Bench("healthy").detect());
}

TEST(CertificateExpired, NamesTheMissingAccessAsEvidence) {
  Bench bench("certificate-expired");
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_TRUE(diagnosis->repairable());
  EXPECT_THAT(diagnosis->summary(), HasSubstr("expired"));
  EXPECT_THAT(all_text(*diagnosis), HasSubstr("no full access for S-1-5-18"));
  EXPECT_THAT(all_text(*diagnosis), HasSubstr("no read access for S-1-5-20"));
}

TEST(CertificateExpired, PlansKeyAccessBeforeRemovalBeforeRestartAndTermServiceLast) {
  const auto plan = Bench("certificate-expired").plan();
  const auto lines = writes(plan);
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_THAT(lines[0], HasSubstr("add to the access list"));
  EXPECT_THAT(lines[1], HasSubstr("keep a copy"));
  EXPECT_EQ(lines[2], "restart service SessionEnv");
  EXPECT_THAT(lines[3], HasSubstr("remove certificate"));
  EXPECT_EQ(lines[4], "restart service SessionEnv");
  EXPECT_EQ(lines[5], "restart service TermService");
  ASSERT_EQ(plan.rungs_size(), 3);
  EXPECT_FALSE(drops_sessions(plan.rungs(0)));
  EXPECT_FALSE(drops_sessions(plan.rungs(1)));
  EXPECT_TRUE(drops_sessions(plan.rungs(2)));
}

TEST(CertificateExpired, EnablesADisabledSessionEnvFirst) {
  EXPECT_THAT(writes(Bench("session-env-disabled").plan()),
              testing::Contains("set the start type of service SessionEnv to Manual"));
}

TEST(CertificateExpired, RemovesNothingWhenThereIsNoCertificate) {
  const auto lines = writes(Bench("certificate-absent").plan());
  EXPECT_THAT(lines, testing::Contains("restart service SessionEnv"));
  for (const auto& line : lines) EXPECT_THAT(line, testing::Not(HasSubstr("remove")));
}

TEST(CertificateExpired, WarnsWeeksAheadWhenRenewalFails) {
  Bench bench("certificate-expiring");
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_THAT(diagnosis->summary(), HasSubstr("renewal fails"));
  EXPECT_TRUE(diagnosis->ask_first()) << "nobody has measured when Windows renews (measured.md C10)";
}

TEST(CertificateExpired, ReportsABoundCertificateAndPlansNothing) {
  Bench bench("certificate-expired");
  v1::SimChange change;
  auto& value = *change.add_registry();
  value.set_key("HKLM\\" + std::string(registry_key::k_rdp_tcp));
  value.set_name("SSLCertificateSHA1Hash");
  value.set_binary(std::string(20, '\x5A'));
  bench.host.change(change);
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_FALSE(diagnosis->repairable());
  EXPECT_EQ(bench.plan().rungs_size(), 0);
}

TEST(CertificateExpired, DoesNotFightATemplateNamedByGroupPolicy) {
  Bench bench("certificate-expired");
  bench.set_registry(std::string(registry_key::k_policy), "CertTemplateName", "RDPAuth");
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_FALSE(diagnosis->repairable());
  EXPECT_THAT(diagnosis->advice(), HasSubstr("Group Policy"));
}

TEST(CertificateExpired, RefusesToPlanIntoAReplacedTermServiceDll) {
  Bench bench("certificate-expired");
  bench.set_registry(std::string(registry_key::k_term_service_parameters), "ServiceDll",
                     R"(C:\Program Files\RDP Wrapper\rdpwrap.dll)");
  const auto plan = bench.plan();
  EXPECT_EQ(plan.rungs_size(), 0);
  EXPECT_THAT(plan.advice(), HasSubstr("tampered"));
}

TEST(CertificateExpired, ReportsAMissingStoreNameInsteadOfWritingIt) {
  Bench bench("certificate-expired");
  bench.set_registry(std::string(registry_key::k_win_stations), "SelfSignedCertStore", "");
  EXPECT_FALSE(bench.detect()->repairable());
}

// The host, but for what it says of one key.
class KeyFilesThatFail final : public KeyFiles {
 public:
  KeyFilesThatFail(const KeyFiles& host, ErrorCode code) : host_(host), code_(code) {}
  Result<std::optional<KeyFile>> find(std::string_view folder, std::string_view file) const override {
    if (file.starts_with("f686aace")) return fail(code_, "cannot look at the key file of TSSecKeySet1");
    return host_.find(folder, file);
  }
  Status write_dacl(std::string_view, std::string_view, const v1::FileSecurity&) override {
    return fail(code_, "nothing is written here");
  }
  Status keep(std::string_view, std::string_view, std::string_view) override {
    return fail(code_, "nothing is kept here");
  }
  Status put_back(std::string_view, std::string_view, std::string_view) override {
    return fail(code_, "nothing is written here");
  }

 private:
  const KeyFiles& host_;
  const ErrorCode code_;
};

TEST(CertificateExpired, AKeyFileWhoseAccessCannotBeReadIsEvidenceAndAdviceAndHidesNoFault) {
  for (const auto code : {ErrorCode::denied, ErrorCode::unsupported}) {
    Bench bench("certificate-expired");
    const auto view = bench.host.control().view();
    const KeyFilesThatFail key_files(view.key_files, code);
    const HostView host{view.identity, view.clock,    view.events,   view.registry, view.certificates,
                        key_files,     view.services, view.firewall, view.sessions, view.listener};
    const auto found = bench.fault().detect(host, {});
    ASSERT_TRUE(found) << to_string(found.error());
    const auto diagnosis = only(*found);
    ASSERT_TRUE(diagnosis);
    EXPECT_FALSE(diagnosis->repairable());
    EXPECT_THAT(diagnosis->advice(), HasSubstr("take ownership"));
    EXPECT_THAT(all_text(*diagnosis), HasSubstr("cannot look at the key file"));
    EXPECT_EQ(bench.fault().plan(host, *diagnosis).value().rungs_size(), 0);
  }
}

class CertificatesWithKey final : public CertificateStores {
 public:
  CertificatesWithKey(const CertificateStores& host, Result<KeyUse> use) : host_(host), use_(std::move(use)) {}
  Result<std::optional<Certificate>> find(std::string_view store, std::string_view sha1) const override {
    return host_.find(store, sha1);
  }
  Result<std::vector<Certificate>> list(std::string_view store) const override { return host_.list(store); }
  Result<KeyUse> key_use(std::string_view, std::string_view) const override { return use_; }
  Status try_key() override { return fail(ErrorCode::unsupported, "read only"); }
  Status remove(std::string_view, std::string_view) override { return fail(ErrorCode::unsupported, "read only"); }
  Status add(std::string_view, const v1::CertificateCopy&) override {
    return fail(ErrorCode::unsupported, "read only");
  }

 private:
  const CertificateStores& host_;
  const Result<KeyUse> use_;
};

TEST(CertificateExpired, ADamagedKeyIsLostAndOneOfWhichNobodyKnowsIsNot) {
  Bench bench("healthy");
  const auto view = bench.host.control().view();
  const auto detect_with = [&](Result<KeyUse> use) {
    const CertificatesWithKey certificates(view.certificates, std::move(use));
    const HostView host{view.identity,  view.clock,    view.events,   view.registry, certificates,
                        view.key_files, view.services, view.firewall, view.sessions, view.listener};
    return only(bench.fault().detect(host, {}).value());
  };
  const auto damaged = detect_with(KeyUse::corrupt);
  ASSERT_TRUE(damaged);
  EXPECT_THAT(damaged->summary(), HasSubstr("its private key is damaged"));
  EXPECT_TRUE(damaged->repairable());
  EXPECT_FALSE(detect_with(KeyUse::denied));
  EXPECT_FALSE(detect_with(fail(ErrorCode::unavailable, "nobody can tell")));
}

TEST(CertificateExpired, IsNoFaultWhereRemoteDesktopIsOff) {
  Bench bench("certificate-expired");
  v1::SimChange change;
  auto& value = *change.add_registry();
  value.set_key("HKLM\\" + std::string(registry_key::k_terminal_server));
  value.set_name("fDenyTSConnections");
  value.set_dword(1);
  bench.host.change(change);
  EXPECT_FALSE(bench.detect());
}

TEST(CertificateExpired, FewDaysLeftAreNoFaultWhereNoRenewalFails) {
  Bench bench("healthy");
  v1::SimChange change;
  change.mutable_certificate()->mutable_expires_in()->set_seconds(20 * 24 * 3600);
  bench.host.change(change);
  EXPECT_FALSE(bench.detect());
}

TEST(CertificateExpired, WithoutATimeReferenceTheDatesAreNotJudgedRightAfterAStartAndOnlyProposedLater) {
  Bench bench("certificate-expired");
  v1::SimChange change;
  change.mutable_clock()->set_no_reference(true);
  change.mutable_clock()->mutable_up_for()->set_seconds(60);
  bench.host.change(change);
  const auto early = bench.fault().detect(bench.host.control().view(), {});
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::unavailable);
  bench.host.advance(15min);
  const auto later = bench.detect();
  ASSERT_TRUE(later);
  EXPECT_TRUE(later->repairable());
  EXPECT_TRUE(later->ask_first());
}

TEST(CertificateExpired, ADenyForSystemOnTheStoreIsSaidWithItsDoubtAndNotRepaired) {
  Bench bench("certificate-expired");
  v1::SimChange change;
  change.mutable_certificate()->set_store_denied(true);
  bench.host.change(change);
  const auto diagnosis = bench.detect();
  ASSERT_TRUE(diagnosis);
  EXPECT_FALSE(diagnosis->repairable());
  EXPECT_THAT(diagnosis->advice(), HasSubstr("Some enterprises forbid"));
}

// Whether the old key survives a failed creation nobody has measured; here it does not.
TEST(CertificateExpired, ACreationThatFailsAndTakesTheOldKeyLeavesTheHostNoWorse) {
  auto story = scenario("certificate-expired");
  story.set_failed_creation_takes_key(true);
  for (auto& change : *story.mutable_changes()) {
    if (change.has_certificate()) change.mutable_certificate()->set_creation_fails(true);
  }
  sim::SimHost host(story, {});
  sim::MemoryJournal journal;
  RehearsedEngine engine(host, journal);
  ASSERT_TRUE(engine.run_until(
      [&] {
        return engine.in_state("certificate_expired", v1::INCIDENT_STATE_ROLLED_BACK) ||
               engine.in_state("certificate_expired", v1::INCIDENT_STATE_ESCALATED);
      },
      30min));
  const auto key = faults::read_rdp_key_file(host.control().view()).value();
  EXPECT_TRUE(key.present) << "the key is gone";
  const auto listener = faults::read_listener_certificate(host.control().view()).value();
  ASSERT_TRUE(listener.certificate) << "the certificate is gone";
  const auto use = host.control().certificates.key_use(listener.store, listener.sha1);
  ASSERT_TRUE(use);
  EXPECT_THAT(*use, testing::AnyOf(KeyUse::usable, KeyUse::denied));
}

// The names that published repair scripts quote, recomputed.
TEST(CertificateExpired, KnowsTheFilesOfTheKeyContainers) {
  EXPECT_EQ(machine_key_file_name("TSSecKeySet1", "guid"), "f686aace6942fb7f7ceb231212eef4a4_guid");
  EXPECT_EQ(machine_key_file_name("TSSecKeySet9", "guid"), "5e9f1fbff37f710a4c62eba3679640e9_guid");
  EXPECT_EQ(machine_key_file_name("iisConfigurationKey", "guid"), "6de9cb26d2b98c01ec4e9e8b34824aa2_guid");
}

TEST(CertificateExpired, TouchesNoOtherKeyAndNoSecuritySetting) {
  sim::SimHost host(scenario("certificate-expired"), {});
  sim::MemoryJournal journal;
  RehearsedEngine engine(host, journal);
  ASSERT_TRUE(
      engine.run_until([&] { return engine.in_state("certificate_expired", v1::INCIDENT_STATE_REPAIRED); }, 5min));
  for (const auto& call : host.injector().calls()) {
    EXPECT_THAT(call, testing::AnyOf(HasSubstr("f686aace"), HasSubstr("Remote Desktop"), HasSubstr("SessionEnv")))
        << "an unexpected write";
  }
}

}  // namespace
}  // namespace rdpmend::test
