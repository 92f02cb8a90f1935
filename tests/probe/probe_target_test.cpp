#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent-lib/probe/rdp_handshake.hpp"

namespace rdpmend {
namespace {

TEST(ProbeTarget, TakesNamesAndAddressesWithAndWithoutPort) {
  struct Case {
    const char* text;
    const char* host;
    std::uint16_t port;
  };
  for (const auto& expected : std::initializer_list<Case>{{"server", "server", 3389},
                                                          {"server.example.com:3390", "server.example.com", 3390},
                                                          {"my_host-1:1", "my_host-1", 1},
                                                          {"192.0.2.7", "192.0.2.7", 3389},
                                                          {"192.0.2.7:65535", "192.0.2.7", 65535},
                                                          {"2001:db8::1", "2001:db8::1", 3389},
                                                          {"::1", "::1", 3389},
                                                          {"[2001:db8::1]", "2001:db8::1", 3389},
                                                          {"[::1]:3390", "::1", 3390}}) {
    const auto target = parse_probe_target(expected.text);
    ASSERT_TRUE(target.has_value()) << expected.text << ": " << to_string(target.error());
    EXPECT_EQ(target->host, expected.host);
    EXPECT_EQ(target->port, expected.port);
  }
}

TEST(ProbeTarget, RefusesTheRestAndSaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "empty"},
      {":3389", "no host"},
      {"host:", "port ''"},
      {"host:0", "port '0'"},
      {"host:65536", "port '65536'"},
      {"host:99999999999999999999", "port"},
      {"host:-1", "port '-1'"},
      {"host:+1", "port '+1'"},
      {"host:33 89", "port"},
      {"host:rdp", "port 'rdp'"},
      {"host:1:2", "port '1:2'"},
      {"rdp://host", "port"},
      {"user@host", "character"},
      {"a host", "character"},
      {"host\n", "character"},
      {"h\xC3\xB6st", "character"},
      {"[::1", "closing bracket"},
      {"[]", "not an IPv6 address"},
      {"[192.0.2.7]:3389", "not an IPv6 address"},
      {"[server]:3389", "not an IPv6 address"},
      {"[::1]3389", "follows the address"},
      {"[::1]:", "port ''"},
      {std::string(254, 'a'), "253"},
  };
  for (const auto& [text, expected] : cases) {
    const auto target = parse_probe_target(text);
    ASSERT_FALSE(target.has_value()) << text;
    EXPECT_EQ(target.error().code, ErrorCode::invalid_argument) << text;
    EXPECT_THAT(target.error().what, testing::HasSubstr(expected)) << text;
    EXPECT_THAT(target.error().hint, testing::HasSubstr("HOST:PORT")) << text;
  }
}

}  // namespace
}  // namespace rdpmend
