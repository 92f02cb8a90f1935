#include "agent-lib/support/address.hpp"

#include <gtest/gtest.h>

namespace rdpmend {
namespace {

TEST(AddressIn, FindsOneFormWhateverTheEventWrites) {
  EXPECT_EQ(address_in("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(address_in("192.0.2.7:50123"), "192.0.2.7");
  EXPECT_EQ(address_in("[192.0.2.7]:50123"), "192.0.2.7");
  EXPECT_EQ(address_in("[2001:DB8::1]:50123"), "2001:db8::1");
  EXPECT_EQ(address_in("2001:0db8:0::1"), "2001:db8::1");
  EXPECT_EQ(address_in("fe80::1941:f3d6:f94d:95bb%12"), "fe80::1941:f3d6:f94d:95bb");
  EXPECT_EQ(address_in("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(address_in("[::ffff:192.0.2.7]:50123"), "192.0.2.7");
  EXPECT_EQ(address_in("::%16777216"), "::1");
}

TEST(AddressIn, FindsNoneInWhatIsNone) {
  for (const auto* text :
       {"", "-", "LOCAL", "host.example.net", "host:3389", "[", "[]", "1.2.3", "1.2.3.4.5", ":", "%"})
    EXPECT_FALSE(address_in(text)) << text;
}

TEST(IsLoopback, KnowsTheWholeFamilyAndNothingElse) {
  for (const auto* text : {"127.0.0.1", "127.255.3.9", "::1"}) EXPECT_TRUE(is_loopback(text)) << text;
  for (const auto* text : {"128.0.0.1", "12.7.0.0", "::2", "127.example.net", "127.0.0.1.example", "", "0.0.0.0"})
    EXPECT_FALSE(is_loopback(text)) << text;
}

}  // namespace
}  // namespace rdpmend
