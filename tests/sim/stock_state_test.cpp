// The simulated host is what the data says of its build.
#include <fmt/format.h>

#include "agent-lib/knowledge/stock_host.hpp"
#include "tests/sim/sim_test_support.hpp"

namespace rdpmend::sim {
namespace {

class StockState : public testing::TestWithParam<std::uint32_t> {
 protected:
  const v1::StockHost& stock = stock_of(GetParam()).host();
  const TestHost host{fmt::format("build: {}", GetParam())};
};

TEST_P(StockState, HasTheServicesOfItsBuild) {
  for (const auto& service : stock.services()) {
    EXPECT_EQ(host.service(service.name()).start_type, service.start().type()) << service.name();
    EXPECT_EQ(host.service(service.name()).run, ServiceRun::running) << service.name();
    for (const auto& needed : service.depends_on().services()) {
      const auto dependents = host.service(needed).running_dependents;
      EXPECT_NE(std::find(dependents.begin(), dependents.end(), service.name()), dependents.end())
          << service.name() << " on " << needed;
    }
    const auto image = read_text(host.view.registry, service_key(service.name()), "ImagePath").value();
    EXPECT_EQ(image.value_or(""), service.image().path()) << service.name();
  }
}

void expect_value(const Registry& registry, const std::string& key, const v1::StockValue& value) {
  const auto what = key + "\\" + value.name();
  const auto found = registry.value(key, value.name()).value();
  EXPECT_TRUE(found || !value.always_there()) << what;
  if (value.has_dword()) {
    ASSERT_EQ(found.has_value(), value.dword().has_value()) << what;
    EXPECT_EQ(found.value_or(0U), RegistryValue(value.dword().value())) << what;
  }
  if (value.has_text() && !value.text().value().empty()) {
    ASSERT_TRUE(found) << what;
    const auto& text = value.text().value();
    EXPECT_EQ(*found, value.text().expands() ? RegistryValue(ExpandableText{text}) : RegistryValue(text)) << what;
  }
}

TEST_P(StockState, HasTheRegistryValuesOfItsBuild) {
  for (const auto& key : stock.keys()) {
    for (const auto& value : key.values()) expect_value(host.view.registry, key.key(), value);
  }
}

TEST_P(StockState, HasTheFirewallRulesOfItsBuildEnabled) {
  const auto rules = host.view.firewall.rules(k_remote_desktop_group).value();
  ASSERT_EQ(rules.size(), static_cast<std::size_t>(stock.firewall_rules_size()));
  for (const auto& expected : stock.firewall_rules()) {
    const auto found = find_local_rule(host.view.firewall, expected.id()).value();
    ASSERT_TRUE(found) << expected.id();
    EXPECT_TRUE(found->enabled && found->allow && found->inbound && !found->narrowed) << expected.id();
    EXPECT_EQ(found->protocol, expected.protocol());
    EXPECT_EQ(found->local_ports, expected.local_ports());
    EXPECT_EQ(found->profiles, expected.profiles());
    EXPECT_EQ(found->application, expected.application());
    EXPECT_EQ(found->service, expected.service());
  }
}

TEST_P(StockState, HasTheAccessListsOfItsBuild) {
  const auto key = host.view.key_files.find(k_machine_keys_folder, host.key_file()).value();
  ASSERT_TRUE(key);
  EXPECT_EQ(key->security.SerializeAsString(), stock.listener_key_file().security().SerializeAsString());
  const auto store = host.view.registry.security(registry_key::k_remote_desktop_store_key).value();
  ASSERT_TRUE(store);
  EXPECT_EQ(store->SerializeAsString(), stock.certificate_store_key().security().SerializeAsString());
}

std::vector<std::uint32_t> server_builds() {
  std::vector<std::uint32_t> builds;
  for (const auto& host : stock_hosts()) {
    if (host.role() == v1::WINDOWS_ROLE_SERVER) builds.push_back(host.build());
  }
  return builds;
}

INSTANTIATE_TEST_SUITE_P(OfABuild, StockState, testing::ValuesIn(server_builds()),
                         [](const auto& build) { return std::to_string(build.param); });

}  // namespace
}  // namespace rdpmend::sim
