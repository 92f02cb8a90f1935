#include "tests/contract/stage.hpp"

namespace rdpmend::contract {
namespace {

constexpr std::uint32_t k_known = k_profile_domain | k_profile_private | k_profile_public;

TEST_P(Contract, TheFirewallTellsItsStatus) {
  const auto status = host.firewall.status();
  RDPMEND_REQUIRE(status);
  EXPECT_NE(status->active_profiles & k_known, 0U);
  EXPECT_EQ(status->enabled_profiles & ~k_known, 0U);
}

TEST_P(Contract, RulesOfAGroupAreOfThatGroup) {
  const auto rules = host.firewall.rules(k_remote_desktop_group);
  RDPMEND_REQUIRE(rules);
  for (const auto& rule : *rules) EXPECT_EQ(rule.group, k_remote_desktop_group) << rule.id;
  const auto all = host.firewall.rules("");
  ASSERT_TRUE(all);
  EXPECT_GE(all->size(), rules->size());
  EXPECT_THAT(host.firewall.rules("@rdpmend.dll,-1").value(), testing::IsEmpty());
}

TEST_P(Contract, ARuleThatDoesNotExistIsNotFound) {
  RDPMEND_ASSERT_FAILS_WITH(ErrorCode::not_found, host.firewall.set_enabled("rdpmend-no-such-rule", true));
}

TEST_P(Contract, ARuleIsSwitchedAndNothingElseOfItChanges) {
  const auto id = stage->firewall_rule();
  RDPMEND_REQUIRE(id);
  const auto find = [&] {
    const auto rules = host.firewall.rules("");
    for (const auto& rule : rules.value()) {
      if (rule.id == *id && !rule.by_policy) return rule;
    }
    ADD_FAILURE() << *id << " is gone";
    return FirewallRule{};
  };
  const auto before = find();
  for (const bool enabled : {!before.enabled, before.enabled}) {
    RDPMEND_REQUIRE(host.firewall.set_enabled(*id, enabled));
    EXPECT_EQ(find().enabled, enabled);
    EXPECT_EQ(definition_of(find()), definition_of(before));
  }
}

}  // namespace
}  // namespace rdpmend::contract
