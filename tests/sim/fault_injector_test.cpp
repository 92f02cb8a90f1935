// What the fault injector does to the calls that change the simulated host.
#include <fmt/format.h>

#include "tests/sim/sim_test_support.hpp"

namespace rdpmend::sim {
namespace {

using namespace std::chrono_literals;

// Every mutating call that the ports have, each of which changes a host on which SessionEnv is stopped.
struct Mutation {
  std::string name;
  std::function<Status(TestHost&)> run;
};

v1::FileSecurity only_system() {
  v1::FileSecurity security;
  security.set_owner_sid(std::string(sid::k_system));
  auto& ace = *security.add_dacl();
  ace.set_type(v1::Ace::TYPE_ALLOW);
  ace.set_sid(std::string(sid::k_system));
  ace.set_mask(k_file_all_access);
  return security;
}

v1::CertificateCopy another_certificate() {
  TestHost other;
  v1::CertificateCopy copy;
  copy.set_der(other.registered().der);
  return copy;
}

std::vector<Mutation> mutations() {
  return {
      {"services.start", [](TestHost& host) { return host.control().services.start("SessionEnv", 30s); }},
      {"services.stop", [](TestHost& host) { return host.control().services.stop("CertPropSvc", 30s); }},
      {"services.set_start_type",
       [](TestHost& host) {
         return host.control().services.set_start_type("SessionEnv", v1::SERVICE_START_TYPE_DISABLED);
       }},
      {"certificates.remove",
       [](TestHost& host) {
         return host.control().certificates.remove(k_remote_desktop_store, host.registered_sha1());
       }},
      {"certificates.add",
       [](TestHost& host) { return host.control().certificates.add(k_remote_desktop_store, another_certificate()); }},
      {"key_files.write_dacl",
       [](TestHost& host) {
         return host.control().key_files.write_dacl(k_machine_keys_folder, host.key_file(), only_system());
       }},
      {"key_files.move_aside",
       [](TestHost& host) {
         return host.control().key_files.move_aside(k_machine_keys_folder, host.key_file(), "damaged");
       }},
      {"registry.set",
       [](TestHost& host) {
         return host.control().registry.set(registry_key::k_rdp_tcp, "fEnableWinStation", std::uint32_t{0});
       }},
      {"registry.erase",
       [](TestHost& host) { return host.control().registry.erase(registry_key::k_rdp_tcp, "SecurityLayer"); }},
      {"firewall.set_enabled",
       [](TestHost& host) { return host.control().firewall.set_enabled("RemoteDesktop-UserMode-In-TCP", false); }},
  };
}

constexpr auto k_scenario = R"(changes { services { name: "SessionEnv" running: false } })";

class EveryMutation : public testing::TestWithParam<Mutation> {};
INSTANTIATE_TEST_SUITE_P(FaultInjector, EveryMutation, testing::ValuesIn(mutations()),
                         [](const auto& test) { return std::regex_replace(test.param.name, std::regex("\\."), "_"); });

TEST_P(EveryMutation, IsCountedUnderItsName) {
  TestHost host(k_scenario);
  ASSERT_TRUE(GetParam().run(host));
  const auto calls = host.injector().calls();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_TRUE(calls[0].starts_with(GetParam().name + "(")) << calls[0];
  host.injector().reset_calls();
  EXPECT_TRUE(host.injector().calls().empty());
}

TEST_P(EveryMutation, ThatFailsChangesNothing) {
  for (const auto& [injection, code] :
       {std::pair{Injection::denied, ErrorCode::denied}, std::pair{Injection::busy, ErrorCode::unavailable},
        std::pair{Injection::timeout, ErrorCode::timeout}}) {
    TestHost host(k_scenario);
    const auto before = host.fingerprint();
    host.injector().arm(1, injection);
    const auto status = GetParam().run(host);
    ASSERT_FALSE(status) << to_string(injection);
    EXPECT_EQ(status.error().code, code);
    EXPECT_EQ(host.fingerprint(), before) << to_string(injection);
    EXPECT_TRUE(GetParam().run(host)) << "it goes wrong once";
  }
}

TEST_P(EveryMutation, CanTimeOutAlthoughItSucceeded) {
  TestHost host(k_scenario);
  const auto before = host.fingerprint();
  host.injector().arm(1, Injection::timeout_after_success);
  EXPECT_EQ(GetParam().run(host).error().code, ErrorCode::timeout);
  EXPECT_NE(host.fingerprint(), before);
}

TEST_P(EveryMutation, CanBeTheLastThingBeforeOrAfterACrash) {
  TestHost host(k_scenario);
  const auto before = host.fingerprint();
  host.injector().arm(1, Injection::crash_before);
  EXPECT_THROW((void)GetParam().run(host), Crash);
  EXPECT_EQ(host.fingerprint(), before);
  host.injector().arm(1, Injection::crash_after_success);
  EXPECT_THROW((void)GetParam().run(host), Crash);
  EXPECT_NE(host.fingerprint(), before);
}

TEST_P(EveryMutation, CanBePrecededBySomebodyElsesEdit) {
  TestHost plain(k_scenario), edited(k_scenario);
  edited.injector().arm(1, Injection::outside_edit);
  (void)GetParam().run(plain);
  (void)GetParam().run(edited);
  EXPECT_EQ(edited.injector().calls().size(), 1U);
  // Certificates differ from host to host; how many lines there are, and what they say besides, does not.
  const auto shape = [](const std::string& text) {
    return std::regex_replace(text, std::regex("[0-9A-F]{40}"), "SHA1");
  };
  // These overwrite the edit of the same value.
  if (GetParam().name == "services.set_start_type" || GetParam().name.starts_with("registry.")) return;
  EXPECT_NE(shape(edited.fingerprint()), shape(plain.fingerprint()));
}

TEST(FaultInjector, CountsFromWhenItIsArmed) {
  TestHost host;
  auto& firewall = host.control().firewall;
  ASSERT_TRUE(firewall.set_enabled("RemoteDesktop-UserMode-In-TCP", false));
  host.injector().arm(2, Injection::denied);
  EXPECT_TRUE(firewall.set_enabled("RemoteDesktop-UserMode-In-TCP", true));
  EXPECT_FALSE(firewall.set_enabled("RemoteDesktop-UserMode-In-TCP", false));
  host.injector().arm(1, Injection::denied);
  host.injector().disarm();
  EXPECT_TRUE(firewall.set_enabled("RemoteDesktop-UserMode-In-TCP", false));
}

}  // namespace
}  // namespace rdpmend::sim
