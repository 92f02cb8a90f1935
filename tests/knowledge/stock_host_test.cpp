// That the stock hosts hang together, that each row has its source, and that a build finds its own.
#include "agent-lib/knowledge/stock_host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "agent-lib/host/certificate_stores.hpp"
#include "agent-lib/host/firewall.hpp"
#include "agent-lib/host/key_files.hpp"
#include "agent-lib/host/services.hpp"

namespace rdpmend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::NotNull;

TEST(StockHosts, EachIsBasedOnOneBeforeItAndBuildsRiseWithinARole) {
  std::set<std::string> names;
  std::map<v1::WindowsRole, std::uint32_t> newest;
  for (const auto& host : stock_hosts()) {
    EXPECT_TRUE(host.based_on().empty() ? names.empty() : names.contains(host.based_on())) << host.name();
    EXPECT_TRUE(names.insert(host.name()).second) << host.name();
    EXPECT_LT(newest[host.role()], host.build()) << host.name();
    newest[host.role()] = host.build();
    EXPECT_THAT(host.title(), Not(IsEmpty()));
  }
  EXPECT_EQ(stock_hosts().front().role(), v1::WINDOWS_ROLE_SERVER);
  EXPECT_EQ(newest.size(), 2U);
}

TEST(StockHosts, EveryRowHasASourceOrSaysWhatWouldProveIt) {
  for (const auto& host : stock_hosts()) {
    for (const auto& row : rows_of(host)) {
      EXPECT_FALSE(row.source.empty() && row.unproven.empty()) << host.name() << ": " << row.what;
      EXPECT_TRUE(row.source.empty() || row.source.starts_with("measured.md ") ||
                  row.source.starts_with("rdp-host.md ") || row.source.starts_with("https://"))
          << host.name() << ": " << row.what << ": " << row.source;
    }
  }
}

// What the first hour on a real Windows has to settle, for whoever reads this test's output.
TEST(StockHosts, WhatIsUnprovenCanBeListed) {
  std::set<std::string> told;
  std::size_t unproven = 0, all = 0;
  for (const auto& host : stock_hosts()) {
    for (const auto& row : rows_of(host)) {
      ++all;
      if (row.unproven.empty()) continue;
      ++unproven;
      if (!told.insert(row.what + row.unproven).second) continue;  // Inherited.
      std::printf("%-14s %-60s %s\n", host.name().c_str(), row.what.c_str(), row.unproven.c_str());
    }
  }
  std::printf("%zu of %zu rows are unproven.\n", unproven, all);
  EXPECT_LT(unproven, all);
}

TEST(StockHosts, ABuildThatIsNotKnownIsTakenAsTheNextOlderOne) {
  const auto name = [](const Stock& stock) { return stock.host().name(); };
  EXPECT_EQ(name(stock_of(20348)), "server-20348");
  EXPECT_TRUE(stock_of(20348).known_exactly());
  EXPECT_EQ(name(stock_of(25398)), "server-20348");
  EXPECT_FALSE(stock_of(25398).known_exactly());
  EXPECT_EQ(name(stock_of(99999)), "server-26100");
  EXPECT_EQ(name(stock_of(0)), "server-9600");
  EXPECT_FALSE(stock_of(0).known_exactly());
  EXPECT_EQ(name(stock_of(19045, v1::WINDOWS_ROLE_CLIENT)), "client-17763");
  EXPECT_FALSE(stock_of(17763, v1::WINDOWS_ROLE_CLIENT).known_exactly()) << "nobody has looked at one";
  EXPECT_TRUE(stock_of(26200, v1::WINDOWS_ROLE_CLIENT).known_exactly());
  EXPECT_EQ(name(stock_of(14393, v1::WINDOWS_ROLE_CLIENT)), "server-9600") << "by its build";
}

TEST(StockHosts, ADescendantHasWhatItDoesNotSayItself) {
  const auto* service = stock_of(26100).service("TermService");
  ASSERT_THAT(service, NotNull());
  EXPECT_EQ(service->start().type(), v1::SERVICE_START_TYPE_MANUAL);
  EXPECT_THAT(service->depends_on().services(), ElementsAre("RpcSs"));
  EXPECT_TRUE(service->image().path().ends_with("-k termsvcs"));
  const auto client = stock_of(26100, v1::WINDOWS_ROLE_CLIENT);
  EXPECT_TRUE(client.service("TermService")->image().path().ends_with("-k NetworkService"));
  EXPECT_TRUE(client.host().unproven().empty()) << "a base's own doubts are not inherited";
  EXPECT_TRUE(stock_of(14393).service("TermService")->image().path().empty());
  for (const auto& host : stock_hosts()) {
    EXPECT_EQ(host.services_size(), stock_hosts().front().services_size()) << host.name();
    EXPECT_EQ(host.keys_size(), stock_hosts().front().keys_size()) << host.name();
  }
}

TEST(StockHosts, ServicesStandBehindWhatTheyDependOn) {
  for (const auto& host : stock_hosts()) {
    std::set<std::string> before;
    for (const auto& service : host.services()) {
      EXPECT_NE(service.start().type(), v1::SERVICE_START_TYPE_UNSPECIFIED) << service.name();
      for (const auto& needed : service.depends_on().services()) {
        EXPECT_TRUE(before.contains(needed)) << service.name() << " needs " << needed << " on " << host.name();
      }
      EXPECT_TRUE(before.insert(service.name()).second) << service.name();
    }
  }
}

void expect_sound(const std::string& key, const v1::StockValue& value) {
  EXPECT_NE(value.data_case(), v1::StockValue::DATA_NOT_SET) << key << "\\" << value.name();
  if (!value.has_dword() || !value.dword().has_value()) return;
  const auto& dword = value.dword();
  EXPECT_LE(dword.lowest(), dword.value()) << key << "\\" << value.name();
  const auto highest = dword.has_highest() ? dword.highest() : std::numeric_limits<std::uint32_t>::max();
  EXPECT_GE(highest, dword.value()) << key << "\\" << value.name();
}

TEST(StockHosts, ValuesAreWithinTheirBounds) {
  for (const auto& host : stock_hosts()) {
    for (const auto& key : host.keys()) {
      for (const auto& value : key.values()) expect_sound(key.key(), value);
    }
  }
}

// The data spells out what the code names.
TEST(StockHosts, KnowWhatTheProductAsksFor) {
  for (const auto& host : stock_hosts()) {
    const Stock stock(host, true);
    for (const auto name : {service_name::k_term_service, service_name::k_session_env, service_name::k_event_log}) {
      EXPECT_THAT(stock.service(name), NotNull()) << name;
    }
    for (const auto* name : {"SecurityLayer", "UserAuthentication", "MinEncryptionLevel", "PortNumber"}) {
      EXPECT_THAT(stock.value(registry_key::k_rdp_tcp, name), NotNull()) << name;
    }
    EXPECT_THAT(stock.value(registry_key::k_terminal_server, "fDenyTSConnections"), NotNull());
    EXPECT_THAT(stock.value(registry_key::k_policy, "CertTemplateName"), NotNull());
    EXPECT_THAT(stock.value(registry_key::k_cryptography, "MachineGuid"), NotNull());
    EXPECT_THAT(stock.value(registry_key::k_current_version, "CurrentBuildNumber"), NotNull());
    const auto* store = stock.value(registry_key::k_win_stations, "SelfSignedCertStore");
    ASSERT_THAT(store, NotNull());
    EXPECT_EQ(store->text().value(), k_remote_desktop_store);
    for (const auto& [id, protocol] : {std::pair{"TCP", 6U}, {"UDP", 17U}}) {
      const auto* rule = stock.firewall_rule(std::string("RemoteDesktop-UserMode-In-") + id);
      ASSERT_THAT(rule, NotNull());
      EXPECT_EQ(rule->protocol(), protocol);
      EXPECT_EQ(rule->service(), "termservice");
    }
    for (const auto& rule : host.firewall_rules()) EXPECT_EQ(rule.profiles(), k_profile_all) << rule.id();
  }
}

// measured.md K4: who asks for it asks for no build.
TEST(StockHosts, TheFolderOfMachineKeysIsTheSameEverywhere) {
  for (const auto& host : stock_hosts()) {
    EXPECT_EQ(host.machine_keys_folder().security().SerializeAsString(),
              stock_machine_keys_folder_security().SerializeAsString())
        << host.name();
  }
}

// measured.md K2.
TEST(StockHosts, TheThirdEntryOfTheKeyFileIsAsTheBuildHasIt) {
  const auto& before = stock_key_file_security(14393);
  const auto& since = stock_key_file_security(17763);
  for (const auto* security : {&before, &since}) {
    EXPECT_EQ(security->owner_sid(), sid::k_system);
    EXPECT_TRUE(security->dacl_protected());
    EXPECT_EQ(security->dacl_size(), 3);
    EXPECT_EQ(granted_mask(*security, sid::k_system), k_file_all_access);
    EXPECT_EQ(granted_mask(*security, sid::k_network_service), k_file_generic_read);
  }
  EXPECT_EQ(granted_mask(before, sid::k_administrators), k_file_generic_read);
  EXPECT_EQ(granted_mask(since, sid::k_session_env), k_file_all_access);
  EXPECT_EQ(granted_mask(since, sid::k_administrators), 0U);
}

}  // namespace
}  // namespace rdpmend
