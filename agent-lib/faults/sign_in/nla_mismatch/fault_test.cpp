#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/faults/fault_bench.hpp"

namespace rdpmend::test {
namespace {

using testing::HasSubstr;

const std::string k_id = "nla_mismatch";

struct NlaBench : FaultBench {
  NlaBench() : FaultBench(k_id, "healthy") {}
  void listener(const std::string& name, std::uint32_t number) { set_registry(registry_key::k_rdp_tcp, name, number); }
  void policy(const std::string& name, std::uint32_t number) { set_registry(registry_key::k_policy, name, number); }
  void told(std::uint32_t asked_for, std::optional<std::uint32_t> failure, std::chrono::hours ago = {}) {
    v1::OutsideProbe probe;
    probe.set_client("helpdesk");
    probe.set_peer("192.0.2.7");
    *probe.mutable_received() = to_proto(view().clock.now() - ago);
    probe.mutable_report()->set_requested_protocols(asked_for);
    if (failure) probe.mutable_report()->set_failure_code(*failure);
    outside_probe = probe;
  }
};

TEST(NlaMismatch, AHostWhoseSettingsLeaveNoTlsForItCannotGiveIt) {
  NlaBench bench;
  bench.listener("SecurityLayer", 0);
  const auto found = bench.detect();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->subject(), "RDP-Tcp");
  EXPECT_FALSE(found->repairable());
  EXPECT_THAT(found->advice(), HasSubstr("SecurityLayer to 2"));
}

TEST(NlaMismatch, APolicyThatTakesTlsAwayIsNamed) {
  NlaBench bench;
  bench.policy("SecurityLayer", 0);
  bench.listener("SecurityLayer", 0);  // As the listener of the rehearsed host goes by.
  EXPECT_THAT(bench.detect()->DebugString(), HasSubstr("Group Policy"));
}

TEST(NlaMismatch, AClientThatWasRefusedForOfferingLessIsToldToCureItself) {
  NlaBench bench;
  bench.told(1, 5);
  const auto found = bench.detect();
  ASSERT_TRUE(found);
  EXPECT_THAT(found->summary(), HasSubstr("192.0.2.7"));
  EXPECT_FALSE(found->repairable());
  const auto& advice = found->advice();
  ASSERT_THAT(advice, HasSubstr("rdpmend relax nla --for 1h"));
  EXPECT_LT(advice.find("Cure the client"), advice.find("rdpmend relax nla")) << "the last resort comes last";
}

TEST(NlaMismatch, IsNotWhatLooksLikeIt) {
  const auto absent = [](const char* why, const std::function<void(NlaBench&)>& make) {
    NlaBench bench;
    make(bench);
    EXPECT_FALSE(bench.detect()) << why;
  };
  absent("healthy", [](NlaBench&) {});
  absent("NLA is off, which is a configuration", [](NlaBench& bench) {
    bench.listener("UserAuthentication", 0);
    bench.listener("SecurityLayer", 0);
    bench.told(1, 5);
  });
  absent("nobody knows what is demanded", [](NlaBench& bench) {
    bench.remove_registry(registry_key::k_rdp_tcp, "UserAuthentication");
    bench.told(1, 5);
  });
  absent("the listener gives NLA all the same",
         [](NlaBench& bench) { bench.listener("fAllowSecProtocolNegotiation", 0); });
  absent("the client got through", [](NlaBench& bench) { bench.told(11, std::nullopt); });
  absent("another refusal", [](NlaBench& bench) { bench.told(0, 1); });
  absent("long ago", [](NlaBench& bench) { bench.told(1, 5, std::chrono::hours{25}); });
}

TEST(NlaMismatch, IsNoFaultWhileItIsRelaxedByOrder) {
  NlaBench bench;
  bench.told(1, 5);
  ASSERT_TRUE(bench.detect());
  bench.loans.emplace_back().set_kind(v1::Loan::KIND_NLA);
  EXPECT_FALSE(bench.detect());
}

TEST(NlaMismatch, WhatCannotBeReadIsNotHealthy) {
  NlaBench bench;
  bench.set_registry(registry_key::k_policy, "UserAuthentication", "1");
  EXPECT_EQ(bench.look().outcome(), Finding::OUTCOME_UNKNOWN);
}

}  // namespace
}  // namespace rdpmend::test
