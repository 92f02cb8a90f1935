// What follows on the simulated host from what happens to it.
#include "tests/sim/sim_test_support.hpp"

namespace rdpmend::sim {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

constexpr auto k_no_access = R"(
  changes { certificate { valid_since { seconds: 15897600 } expires_in { seconds: -172800 }
                          key_readers_removed: "S-1-5-18" key_readers_removed: "S-1-5-20" } })";

Status restart(TestHost& host, std::string_view service) {
  auto control = host.control();
  if (auto status = control.services.stop(service, 30s); !status) return status;
  return control.services.start(service, 30s);
}

void restore_key_access(TestHost& host) {
  v1::FileSecurity security = host.view.key_files.find(k_machine_keys_folder, host.key_file()).value()->security;
  auto add = [&](std::string_view sid, std::uint32_t mask) {
    auto& ace = *security.add_dacl();
    ace.set_type(v1::Ace::TYPE_ALLOW);
    ace.set_sid(std::string(sid));
    ace.set_mask(mask);
  };
  add(sid::k_system, k_file_all_access);
  add(sid::k_network_service, k_file_generic_read);
  ASSERT_TRUE(host.control().key_files.write_dacl(k_machine_keys_folder, host.key_file(), security));
}

TEST(HealthyHost, ServesItsCertificateToLoopbackAndOutside) {
  TestHost host;
  for (const auto from : {Vantage::loopback, Vantage::own_address, Vantage::outside}) {
    const auto report = host.probe(from);
    EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_OK);
    EXPECT_EQ(report.certificate().sha1(), host.registered_sha1());
  }
  const auto certificate = host.registered();
  EXPECT_EQ(certificate.subject, "CN=rds1.rehearsal.test");
  EXPECT_TRUE(certificate.server_authentication);
  EXPECT_EQ(certificate.not_after - certificate.not_before, days{180});
  EXPECT_EQ(certificate.not_after - host.view.clock.now(), days{120});
  EXPECT_EQ(host.view.certificates.key_use(k_remote_desktop_store, certificate.sha1).value(), KeyUse::usable);
}

TEST(HealthyHost, StaysAsItIsForMonths) {
  TestHost host;
  const auto before = host.fingerprint();
  host.advance(days{80});
  EXPECT_EQ(host.fingerprint(), before);
}

TEST(HealthyHost, RenewsItsCertificateWhenFewerThanThirtyDaysAreLeft) {
  TestHost host;
  const auto old = host.registered_sha1();
  host.advance(days{89});
  EXPECT_EQ(host.registered_sha1(), old);
  host.advance(days{2});
  EXPECT_NE(host.registered_sha1(), old);
  EXPECT_EQ(host.certificate_events(1056), 1U);
  EXPECT_EQ(host.view.certificates.list(k_remote_desktop_store).value().size(), 1U);
  EXPECT_EQ(host.probe().certificate().sha1(), host.registered_sha1());
}

TEST(UnusableKey, ClosesConnectionsWithoutConfirmAndLogsWhy) {
  TestHost host(k_no_access);
  const auto report = host.probe();
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_CLOSED_BEFORE_CONFIRM);
  EXPECT_EQ(report.stage(), v1::PROBE_STAGE_CONNECTED);
  EXPECT_EQ(host.count(k_rdp_core_operational, k_rdp_core_provider, 131), 1U);
  EXPECT_EQ(host.count(k_rdp_core_operational, k_rdp_core_provider, 139), 1U);
  EXPECT_EQ(host.count(k_system_channel, "Schannel", 36870), 1U);
}

TEST(UnusableKey, ClientMakesSessionEnvTryAtMostOnceAMinute) {
  TestHost host(k_no_access);
  const auto before = host.certificate_events(1058);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(host.client_connects());
  EXPECT_EQ(host.certificate_events(1058), before + 1);
  host.advance(61s);
  EXPECT_FALSE(host.client_connects());
  EXPECT_EQ(host.certificate_events(1058), before + 2);
}

TEST(ExpiredCertificate, IsServedWhileItsKeyIsUsable) {
  TestHost host(R"(changes { certificate { expires_in { seconds: -60 } } })");
  EXPECT_TRUE(host.client_connects());
  EXPECT_LT(from_proto(host.probe().certificate().not_after()), host.view.clock.now());
}

TEST(ExpiredCertificate, IsRenewedByRestartingSessionEnvOnceItsKeyIsAccessible) {
  TestHost host(k_no_access);
  const auto old = host.registered_sha1();
  ASSERT_TRUE(restart(host, "SessionEnv"));
  host.advance(10s);
  EXPECT_EQ(host.registered_sha1(), old) << "renewed without access to the key";
  restore_key_access(host);
  ASSERT_TRUE(host.control().certificates.remove(k_remote_desktop_store, old));
  ASSERT_TRUE(restart(host, "SessionEnv"));
  EXPECT_EQ(host.certificate_events(1056), 0U);
  host.advance(10s);
  EXPECT_EQ(host.certificate_events(1056), 1U);
  EXPECT_NE(host.registered_sha1(), old);
  EXPECT_TRUE(host.client_connects());
  EXPECT_EQ(host.probe().certificate().sha1(), host.registered_sha1());
  EXPECT_EQ(host.view.certificates.key_use(k_remote_desktop_store, host.registered_sha1()).value(), KeyUse::usable);
}

TEST(AbsentCertificate, ClosesConnectionsAndIsMadeAnewByARunningSessionEnv) {
  TestHost host;
  host.change("certificate { absent: true }");
  EXPECT_EQ(host.registered_sha1(), "");
  EXPECT_EQ(host.probe().outcome(), v1::PROBE_OUTCOME_CLOSED_BEFORE_CONFIRM);
  EXPECT_EQ(host.count(k_system_channel, "Schannel", 36870), 0U) << "there is no key that could not be used";
  host.advance(3s);
  EXPECT_EQ(host.certificate_events(1056), 1U);
  EXPECT_EQ(host.probe().outcome(), v1::PROBE_OUTCOME_OK);
}

TEST(AbsentCertificate, StaysAbsentWhileSessionEnvIsStopped) {
  TestHost host(R"(changes { certificate { absent: true } services { name: "SessionEnv" running: false } })");
  EXPECT_FALSE(host.client_connects());
  host.advance(days{2});
  EXPECT_FALSE(host.client_connects());
  EXPECT_EQ(host.service("SessionEnv").run, ServiceRun::stopped) << "nothing starts it but an administrator";
  ASSERT_TRUE(host.control().services.start("SessionEnv", 30s));
  host.advance(5s);
  EXPECT_TRUE(host.client_connects());
}

TEST(AbsentCertificate, CannotBeMadeWithoutAccessToTheOldKeyAndSays1057) {
  TestHost host(R"(changes { certificate { absent: true key_readers_removed: "S-1-5-18" } })");
  const auto before = host.certificate_events(1057);
  EXPECT_EQ(before, 1U) << "the last pass before the rehearsal has failed";
  ASSERT_TRUE(restart(host, "SessionEnv"));
  host.advance(10s);
  EXPECT_EQ(host.certificate_events(1057), before + 1);
  EXPECT_EQ(host.certificate_events(1058), 0U);
  EXPECT_EQ(host.registered_sha1(), "");
}

TEST(AbsentCertificate, CannotBeMadeWithoutItsCompanionServices) {
  for (const auto* companion : {"CryptSvc", "KeyIso"}) {
    TestHost host;
    host.change(std::string("certificate { absent: true } services { name: \"") + companion +
                "\" start_type: SERVICE_START_TYPE_DISABLED }");
    ASSERT_TRUE(restart(host, "SessionEnv"));
    host.advance(10s);
    EXPECT_EQ(host.registered_sha1(), "") << companion;
    EXPECT_EQ(host.certificate_events(1057), 1U) << companion;
  }
}

TEST(MissingStoreName, BreaksBindingAndRenewal) {
  TestHost host;
  host.change(R"(registry { key: "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Terminal Server\\WinStations"
                            name: "SelfSignedCertStore" absent: true })");
  EXPECT_FALSE(host.client_connects());
  EXPECT_EQ(host.certificate_events(1057), 1U);
}

TEST(MissingKey, IsUnusableAndNoReasonForSessionEnvToRenew) {
  TestHost host("changes { certificate { key_missing: true } }");
  EXPECT_FALSE(host.client_connects());
  EXPECT_EQ(host.count(k_system_channel, "Schannel", 36870), 1U);
  EXPECT_EQ(host.view.certificates.key_use(k_remote_desktop_store, host.registered_sha1()).value(), KeyUse::missing);
  ASSERT_TRUE(restart(host, "SessionEnv"));
  host.advance(10s);
  EXPECT_FALSE(host.client_connects());
  ASSERT_TRUE(host.control().certificates.remove(k_remote_desktop_store, host.registered_sha1()));
  ASSERT_TRUE(restart(host, "SessionEnv"));
  host.advance(10s);
  EXPECT_TRUE(host.client_connects());
}

TEST(Renewal, TellsOfAFailureWeeksBeforeTheEnd) {
  TestHost host(R"(changes { certificate { expires_in { seconds: 1728000 } key_readers_removed: "S-1-5-18" } })");
  EXPECT_EQ(host.certificate_events(1058), 1U);
  EXPECT_EQ(host.certificate_events(1052), 1U);
  EXPECT_TRUE(host.client_connects()) << "TermService itself can still read the key";
  host.advance(12h);
  EXPECT_EQ(host.certificate_events(1058), 2U);
}

TEST(Renewal, IsCalledOffWhenSessionEnvStopsMeanwhile) {
  TestHost host;
  host.change("certificate { absent: true }");
  ASSERT_TRUE(restart(host, "SessionEnv"));
  host.advance(500ms);
  ASSERT_TRUE(host.control().services.stop("SessionEnv", 30s));
  host.advance(1h);
  EXPECT_EQ(host.certificate_events(1056), 0U);
  EXPECT_EQ(host.registered_sha1(), "");
}

TEST(Renewal, LeavesOtherKeysAlone) {
  TestHost host;
  const auto file =
      machine_key_file_name("iisConfigurationKey",
                            read_text(host.view.registry, registry_key::k_cryptography, "MachineGuid").value().value());
  const auto line = [&] {
    std::smatch found;
    const auto all = host.fingerprint();
    return std::regex_search(all, found, std::regex("key file [^\n]*" + file + "[^\n]*")) ? found.str() : "absent";
  };
  const auto before = line();
  EXPECT_NE(before, "absent");
  host.change("certificate { absent: true }");
  ASSERT_TRUE(restart(host, "SessionEnv"));
  host.advance(10s);
  ASSERT_EQ(host.certificate_events(1056), 1U);
  EXPECT_EQ(line(), before);
}

TEST(ReplacedKey, NoLongerFitsTheOldCertificate) {
  TestHost host;
  const auto old = host.registered();
  ASSERT_TRUE(host.control().certificates.remove(k_remote_desktop_store, old.sha1));
  ASSERT_TRUE(restart(host, "SessionEnv"));
  host.advance(10s);
  v1::CertificateCopy copy;
  copy.set_present(true);
  copy.set_der(old.der);
  copy.set_key_container(old.key_container);
  copy.set_key_provider(old.key_provider);
  ASSERT_TRUE(host.control().certificates.add(k_remote_desktop_store, copy));
  EXPECT_EQ(host.view.certificates.key_use(k_remote_desktop_store, old.sha1).value(), KeyUse::mismatch);
  EXPECT_EQ(host.view.certificates.key_use(k_remote_desktop_store, host.registered_sha1()).value(), KeyUse::usable);
}

TEST(RemovedCertificate, ComesBackAsItWas) {
  TestHost host;
  const auto before = host.fingerprint();
  const auto certificate = host.registered();
  auto& stores = host.control().certificates;
  ASSERT_TRUE(stores.remove(k_remote_desktop_store, certificate.sha1));
  EXPECT_NE(host.fingerprint(), before);
  EXPECT_EQ(host.registered_sha1(), certificate.sha1) << "removing does not touch the registry";
  EXPECT_EQ(stores.remove(k_remote_desktop_store, certificate.sha1).error().code, ErrorCode::not_found);
  v1::CertificateCopy copy;
  copy.set_der(certificate.der);
  copy.set_key_container(certificate.key_container);
  copy.set_key_provider(certificate.key_provider);
  ASSERT_TRUE(stores.add(k_remote_desktop_store, copy));
  EXPECT_EQ(host.fingerprint(), before);
  EXPECT_EQ(stores.add(k_remote_desktop_store, copy).error().code, ErrorCode::already_exists);
}

TEST(KeyAccess, IsDecidedByTheFirstEntryThatMentionsARight) {
  TestHost host;
  auto file = *host.view.key_files.find(k_machine_keys_folder, host.key_file()).value();
  v1::Ace deny;
  deny.set_type(v1::Ace::TYPE_DENY);
  deny.set_sid(std::string(sid::k_network_service));
  deny.set_mask(k_file_generic_read);
  file.security.mutable_dacl()->Add(std::move(deny));
  file.security.mutable_dacl()->SwapElements(0, file.security.dacl_size() - 1);
  ASSERT_TRUE(host.control().key_files.write_dacl(k_machine_keys_folder, host.key_file(), file.security));
  EXPECT_FALSE(host.client_connects());
}

TEST(CachingTermService, ServesWhatItLoadedUntilItIsRestarted) {
  TestHost host(std::string("termservice_caches_certificate: true sessions: 2 ") + k_no_access);
  const auto old = host.registered_sha1();
  EXPECT_EQ(host.probe().certificate().sha1(), old) << "loaded before the access was lost";
  restore_key_access(host);
  ASSERT_TRUE(host.control().certificates.remove(k_remote_desktop_store, old));
  ASSERT_TRUE(restart(host, "SessionEnv"));
  host.advance(10s);
  ASSERT_NE(host.registered_sha1(), old);
  EXPECT_EQ(host.probe().certificate().sha1(), old);
  host.change(R"(services { name: "TermService" running: false })");
  ASSERT_TRUE(host.control().services.start("TermService", 30s));
  EXPECT_EQ(host.probe().certificate().sha1(), host.registered_sha1());
}

TEST(TermServiceRestart, DisconnectsSessionsAndLogsTheListenersEndAndStart) {
  TestHost host("sessions: 2");
  auto& services = host.control().services;
  const auto refused = services.stop("TermService", 30s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().os->value, 1051) << "UmRdpService depends on it";
  ASSERT_EQ(host.service("TermService").running_dependents, std::vector<std::string>{"UmRdpService"});
  ASSERT_TRUE(services.stop("UmRdpService", 30s));
  ASSERT_TRUE(services.stop("TermService", 30s));
  EXPECT_FALSE(host.view.listener.state().value().listening);
  EXPECT_EQ(host.probe(Vantage::loopback).outcome(), v1::PROBE_OUTCOME_REFUSED);
  EXPECT_EQ(host.view.sessions.list().error().code, ErrorCode::unavailable);
  ASSERT_TRUE(services.start("TermService", 30s));
  EXPECT_EQ(host.count(k_rcm_operational, k_rcm_provider, 259), 1U);
  EXPECT_EQ(host.count(k_rcm_operational, k_rcm_provider, 258), 2U) << "at its first start, and now";
  const auto sessions = host.view.sessions.list().value();
  EXPECT_EQ(sessions.size(), 3U);
  for (const auto& session : sessions) EXPECT_EQ(session.active, !session.remote);
  EXPECT_EQ(host.probe().outcome(), v1::PROBE_OUTCOME_OK);
}

TEST(TermServiceRestart, ReadsAChangedPort) {
  TestHost host;
  host.change(R"(registry { key: "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Terminal Server\\WinStations\\RDP-Tcp"
                            name: "PortNumber" dword: 3390 })");
  EXPECT_EQ(host.view.listener.state().value().port, 3389);
  host.change(R"(services { name: "TermService" running: false })");
  ASSERT_TRUE(host.control().services.start("TermService", 30s));
  EXPECT_EQ(host.view.listener.state().value().port, 3390);
  EXPECT_EQ(host.probe(Vantage::loopback).outcome(), v1::PROBE_OUTCOME_OK);
  EXPECT_EQ(host.probe(Vantage::outside).outcome(), v1::PROBE_OUTCOME_CONNECT_TIMEOUT)
      << "the stock rules are for 3389";
}

TEST(MasterSwitch, ClosesAndOpensTheListener) {
  TestHost host;
  const std::string deny = R"(registry { key: "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Terminal Server"
                                         name: "fDenyTSConnections" dword: )";
  host.change(deny + "1 }");
  EXPECT_EQ(host.probe(Vantage::loopback).outcome(), v1::PROBE_OUTCOME_REFUSED);
  host.change(deny + "0 }");
  EXPECT_EQ(host.probe(Vantage::loopback).outcome(), v1::PROBE_OUTCOME_OK);
}

TEST(Clock, JumpIsLoggedAndMakesAGoodCertificateLookExpired) {
  TestHost host;
  const auto before = host.view.clock.now();
  host.change("clock { offset { seconds: 31536000 } }");
  EXPECT_EQ(host.view.clock.now() - before, days{365});
  EXPECT_EQ(host.view.clock.reference().value()->offset, days{365});
  EXPECT_EQ(host.count(k_system_channel, "Microsoft-Windows-Kernel-General", 1), 1U);
  EXPECT_LT(host.registered().not_after, host.view.clock.now());
  host.change("clock { no_reference: true }");
  EXPECT_FALSE(host.view.clock.reference().value());
}

TEST(VirtualClock, AppliesChangesInTheirOrderAndTellsTheirStories) {
  TestHost host(R"(changes { story: "first" } changes { after { seconds: 20 } story: "third" }
                   changes { after { seconds: 10 } story: "second" certificate { absent: true } })");
  std::vector<std::string> stories;
  host.set_on_story([&](const std::string& story) { stories.push_back(story); });
  EXPECT_EQ(stories, std::vector<std::string>{"first"});
  EXPECT_TRUE(host.view.clock.wait_for(9s, {}));
  EXPECT_NE(host.registered_sha1(), "");
  EXPECT_TRUE(host.view.clock.wait_for(60s, {}));
  EXPECT_EQ(stories, (std::vector<std::string>{"first", "second", "third"}));
  EXPECT_EQ(host.registered_sha1(), "");
  EXPECT_EQ(host.view.clock.steady(), SteadyTime{days{3} + 69s}) << "the host had been up for three days";
}

TEST(VirtualClock, DoesNotWaitForWhoWasToldToStop) {
  TestHost host;
  std::stop_source source;
  source.request_stop();
  EXPECT_FALSE(host.view.clock.wait_for(1h, source.get_token()));
  EXPECT_EQ(host.view.clock.steady(), SteadyTime{days{3}});
}

}  // namespace
}  // namespace rdpmend::sim
