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
  for (const auto from : {ProbeFrom::loopback, ProbeFrom::outside}) {
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

}  // namespace
}  // namespace rdpmend::sim
