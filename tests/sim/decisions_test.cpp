// What SessionEnv and TermService decide on both pretended hosts.
#include "agent-lib/sim/decisions.hpp"

#include <gtest/gtest.h>

namespace rdpmend::sim {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

constexpr WallTime k_now{days{20'000}};

// A key that can be replaced, and everything else that SessionEnv needs.
CertificateFacts with_certificate(Duration left) {
  return {.not_after = k_now + left, .key_file_there = true, .key_file_replaceable = true, .store_named = true};
}
CertificateFacts without_certificate() {
  auto facts = with_certificate(days{100});
  facts.not_after.reset();
  return facts;
}

TEST(SessionEnvDecides, ThatACertificateIsMadeWhenItIsMissingOrEndsSoon) {
  EXPECT_EQ(pass_over(with_certificate(days{100}), k_now), Pass::nothing);
  EXPECT_EQ(pass_over(with_certificate(days{30}), k_now), Pass::nothing);
  EXPECT_EQ(pass_over(with_certificate(days{30} - 1s), k_now), Pass::makes);
  EXPECT_EQ(pass_over(with_certificate(-1s), k_now), Pass::makes);
  EXPECT_EQ(pass_over(without_certificate(), k_now), Pass::makes);
  auto first = without_certificate();
  first.key_file_there = first.key_file_replaceable = false;
  EXPECT_EQ(pass_over(first, k_now), Pass::makes) << "measured.md C1";
}

TEST(SessionEnvDecides, ThatWithoutWhatItNeedsItFailsAndWhichEventSaysSo) {
  const auto expect_failure = [](auto lacks) {
    auto expired = with_certificate(-1s), missing = without_certificate(), good = with_certificate(days{100});
    for (auto* facts : {&expired, &missing, &good}) lacks(*facts);
    EXPECT_EQ(pass_over(expired, k_now), Pass::not_replaced);
    EXPECT_EQ(pass_over(missing, k_now), Pass::not_created);
    EXPECT_EQ(pass_over(good, k_now), Pass::nothing) << "nothing is due";
  };
  expect_failure([](auto& facts) { facts.key_file_replaceable = false; });
  expect_failure([](auto& facts) { facts.store_named = false; });
  expect_failure([](auto& facts) { facts.store_denied = true; });
  expect_failure([](auto& facts) { facts.crypto_services_disabled = true; });
  expect_failure([](auto& facts) { facts.creation_fails = true; });
}

TEST(SessionEnvDecides, ThatAnOrphanStandsInTheWay) {
  auto orphan = with_certificate(-1s);
  orphan.key_file_there = orphan.key_file_replaceable = false;
  EXPECT_TRUE(is_orphaned(orphan));
  EXPECT_EQ(pass_over(orphan, k_now), Pass::not_replaced);
  EXPECT_TRUE(can_make_key(orphan)) << "a key by another name can be made";
}

TEST(SessionEnvDecides, ThatOnlyDaysThatAreLeftAreTold) {
  EXPECT_EQ(days_left_to_tell(with_certificate(days{3} + 1h), k_now), 3);
  EXPECT_EQ(days_left_to_tell(with_certificate(1h), k_now), 0);
  EXPECT_EQ(days_left_to_tell(with_certificate(0s), k_now), std::nullopt);
  EXPECT_EQ(days_left_to_tell(without_certificate(), k_now), std::nullopt);
}

TEST(SessionEnvDecides, ThatAFailureTakesOnlyAKeyThatItMayDelete) {
  EXPECT_TRUE(failure_takes_old_key(without_certificate(), true));
  EXPECT_FALSE(failure_takes_old_key(without_certificate(), false));
  auto denied = without_certificate();
  denied.key_file_replaceable = false;
  EXPECT_FALSE(failure_takes_old_key(denied, true));
}

TEST(TermServiceDecides, ThatItListensOnlyWhereNothingDeniesIt) {
  EXPECT_TRUE(wants_to_listen(0, 1));
  EXPECT_FALSE(wants_to_listen(1, 1));
  EXPECT_FALSE(wants_to_listen(2, 1)) << "measured.md L1";
  EXPECT_FALSE(wants_to_listen(std::nullopt, 1)) << "measured.md L1";
  EXPECT_FALSE(wants_to_listen(0, 0));
  EXPECT_FALSE(wants_to_listen(0, std::nullopt));
}

TEST(TermServiceDecides, WhatItServesAndHowItComplains) {
  EXPECT_EQ(credential_state({true, true, true}), CredentialState::usable);
  EXPECT_EQ(credential_state({true, false, true}), CredentialState::key_unusable);
  EXPECT_EQ(credential_state({true, true, false}), CredentialState::key_unusable);
  EXPECT_EQ(credential_state({false, true, true}), CredentialState::no_certificate);
  EXPECT_TRUE(schannel_complains(CredentialState::key_unusable));
  EXPECT_FALSE(schannel_complains(CredentialState::no_certificate)) << "there is no key to complain of";
  EXPECT_NE(drop_code(CredentialState::key_unusable), drop_code(CredentialState::no_certificate));
}

TEST(Decisions, WhatWasDoneAMomentAgoIsNotDue) {
  EXPECT_TRUE(is_due(std::optional<SteadyTime>(), SteadyTime{5s}, 1min));
  EXPECT_FALSE(is_due(std::optional(SteadyTime{5s}), SteadyTime{64s}, 1min));
  EXPECT_TRUE(is_due(std::optional(SteadyTime{5s}), SteadyTime{65s}, 1min));
}

}  // namespace
}  // namespace rdpmend::sim
