// Connection security rules as texts: what each does to a client that comes without IPsec.
#include "agent-lib/host/connection_security.hpp"

#include <gtest/gtest.h>

namespace rdpmend {
namespace {

SecurityEffect effect(std::string_view text, std::uint32_t profile = k_profile_domain) {
  return security_effect(text, 3389, profile);
}

TEST(ConnectionSecurity, ARuleThatInsistsOfEverybodyBlocks) {
  EXPECT_EQ(effect("v2.31|Action=Secure|Active=TRUE|"), SecurityEffect::blocks);
  EXPECT_EQ(
      effect("v2.33|Action=SecureServer|Name=Auth|Desc=|Active=TRUE|Auth1Set={E5}|Auth2Set={E6}|Crypto2Set={E7}|"),
      SecurityEffect::blocks);
  EXPECT_EQ(effect("v2.31|Action=Secure|Active=TRUE|Protocol=6|EP1Port=3389|"), SecurityEffect::blocks);
  EXPECT_EQ(effect("v2.31|Action=Secure|Active=TRUE|Protocol=6|EP1Port2_10=3000-4000|"), SecurityEffect::blocks);
}

TEST(ConnectionSecurity, ARuleThatIsOffOrDoesNotInsistOrIsAboutOtherTrafficDoesNothing) {
  for (const auto* text :
       {"v2.31|Action=Secure|", "v2.31|Action=Secure|Active=FALSE|", "v2.31|Action=Secure|Active=FALSE|Novelty=1|",
        "v2.31|Action=Boundary|Active=TRUE|", "v2.31|Action=DoNotSecure|Active=TRUE|",
        "v2.31|Action=Secure|Active=TRUE|Protocol=17|", "v2.31|Action=Secure|Active=TRUE|Protocol=6|EP1Port=445|",
        "v2.31|Action=Secure|Active=TRUE|Profile=Private|Profile=Public|"}) {
    EXPECT_EQ(effect(text), SecurityEffect::none) << text;
  }
}

TEST(ConnectionSecurity, WhatNarrowsItLeavesItUncertain) {
  for (const auto* token : {"EP2_4=10.0.0.0/255.0.0.0", "EP1_6=LocalSubnet", "EP2Port=5000", "IF={guid}",
                            "IFType=Wireless", "RTunnel4=192.0.2.1", "LTunnel6=::1", "SkipVer=2.0"}) {
    EXPECT_EQ(effect(std::string("v2.31|Action=Secure|Active=TRUE|") + token + "|"), SecurityEffect::may_block)
        << token;
  }
}

TEST(ConnectionSecurity, WhatCannotBeJudgedIsUnknown) {
  for (const auto* text :
       {"", "v2.31", "nonsense", "v2.31|Active=TRUE|", "v2.31|Action=Guard|Active=TRUE|",
        "v2.31|Action=Secure|Action=Boundary|Active=TRUE|", "v2.31|Action=Secure|Active=TRUE|Active=FALSE|",
        "v2.31|Action=Secure|Active=yes|", "v2.31|Action=Secure|Active=TRUE|Novelty=1|",
        "v2.31|Action=Secure|Active=TRUE|EP1Port=RPC|", "v2.31|Action=Secure|Active=TRUE|Profile=Moon|",
        "v2.31|Action=Secure|Active=TRUE|no token|"}) {
    EXPECT_EQ(effect(text), SecurityEffect::unknown) << text;
  }
}

TEST(ConnectionSecurity, LocalRulesDoNothingWhereAPolicyIgnoresThem) {
  FirewallStatus status;
  status.local_security_ignored = k_profile_domain;
  SecurityRuleText rule{"id", "v2.31|Action=Secure|Active=TRUE|", false};
  EXPECT_EQ(security_effect(rule, status, 3389, k_profile_domain), SecurityEffect::none);
  EXPECT_EQ(security_effect(rule, status, 3389, k_profile_public), SecurityEffect::blocks);
  rule.by_policy = true;
  EXPECT_EQ(security_effect(rule, status, 3389, k_profile_domain), SecurityEffect::blocks);
}

}  // namespace
}  // namespace rdpmend
