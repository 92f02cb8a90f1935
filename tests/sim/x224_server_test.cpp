// The server's side of the X.224 step: any bytes in, a sound answer or none out.
#include "agent-lib/sim/x224_server.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include <random>
#include <string_view>

#include "agent-lib/probe/rdp_handshake.hpp"
#include "agent-lib/probe/x224.hpp"

namespace rdpmend::sim::x224_server {
namespace {

std::vector<std::uint8_t> with_cookie(std::string_view cookie, std::uint32_t protocols) {
  const auto plain = x224::encode_request(protocols);
  std::vector<std::uint8_t> bytes;
  std::copy_n(plain.begin(), 11, std::back_inserter(bytes));
  std::copy(cookie.begin(), cookie.end(), std::back_inserter(bytes));
  std::copy(plain.begin() + 11, plain.end(), std::back_inserter(bytes));
  bytes[3] = static_cast<std::uint8_t>(bytes.size());
  bytes[4] = static_cast<std::uint8_t>(bytes.size() - 5);
  return bytes;
}

TEST(X224Server, ReadsWhatClientsAskFor) {
  const auto request = x224::encode_request(0x0B);
  EXPECT_EQ(request_length(std::span(request).first<4>()), 19U);
  EXPECT_EQ(requested_protocols(request), 0x0BU);
  EXPECT_EQ(requested_protocols(with_cookie("Cookie: mstshash=alice\r\n", 3)), 3U);
  const std::vector<std::uint8_t> no_negotiation{3, 0, 0, 11, 6, 0xE0, 0, 0, 0, 0, 0};
  EXPECT_EQ(requested_protocols(no_negotiation), 0U);
}

TEST(X224Server, RefusesWhatIsNoRequest) {
  const auto good = x224::encode_request(0x0B);
  for (const std::size_t at : {0, 4, 5, 11, 13}) {
    auto bad = good;
    bad[at] ^= 0x40;
    const bool refused = !request_length(std::span(bad).first<4>()) || !requested_protocols(bad);
    EXPECT_TRUE(refused) << "byte " << at;
  }
  EXPECT_FALSE(requested_protocols({}));
  EXPECT_FALSE(request_length(std::array<std::uint8_t, 4>{3, 0, 0xFF, 0xFF}));
  EXPECT_FALSE(request_length(std::array<std::uint8_t, 4>{3, 0, 0, 4}));
}

TEST(X224Server, AnswersAsTheListenersSettingsSay) {
  using namespace rdp_protocol;
  const auto selected = [](std::uint32_t asked, bool nla) {
    const auto answer = negotiate(asked, nla);
    const auto* choice = std::get_if<Selected>(&answer);
    return choice ? static_cast<int>(choice->protocol) : -static_cast<int>(std::get<Refused>(answer).failure_code);
  };
  EXPECT_EQ(selected(k_tls | k_hybrid | k_hybrid_ex, true), 8);
  EXPECT_EQ(selected(k_tls | k_hybrid, true), 2);
  EXPECT_EQ(selected(k_tls, true), -5);
  EXPECT_EQ(selected(k_rdp, true), -5);
  EXPECT_EQ(selected(k_tls, false), 1);
  EXPECT_EQ(selected(k_rdp, false), -1);
}

TEST(X224Server, IsUnderstoodByTheProbe) {
  const auto confirm = x224::decode_reply(encode(Selected{8}));
  EXPECT_EQ(std::get<x224::Confirm>(confirm).selected_protocol, 8U);
  const auto failure = x224::decode_reply(encode(Refused{5}));
  EXPECT_EQ(std::get<x224::Confirm>(failure).failure_code, 5U);
}

TEST(X224Server, SurvivesAnyBytes) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::uint8_t> bytes(random() % 64);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    if (bytes.size() > 5 && round % 2 == 0) {
      bytes[4] = static_cast<std::uint8_t>(bytes.size() - 5);
      bytes[5] = 0xE0;
    }
    (void)requested_protocols(bytes);
    if (bytes.size() >= 4) (void)request_length(std::span<const std::uint8_t>(bytes).first<4>());
  }
}

}  // namespace
}  // namespace rdpmend::sim::x224_server
