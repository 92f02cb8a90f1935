#include "agent-lib/probe/x224.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "agent-lib/support/hex.hpp"

namespace rdpmend::x224 {
namespace {

std::vector<std::uint8_t> from(std::string_view hex) {
  std::string digits;
  for (const char c : hex) {
    if (c != ' ') digits += c;
  }
  const auto text = from_hex(digits).value();
  return {text.begin(), text.end()};
}

std::string reason(const Reply& reply) {
  const auto* malformed = std::get_if<Malformed>(&reply);
  return malformed == nullptr ? "" : malformed->reason;
}

// MS-RDPBCGR 4.1.2 has a confirm with RDP_NEG_RSP; here with the fields as section 2.2.1.2.1 defines them.
const std::string k_confirm_tls = "03 00 00 13  0E D0 00 00 12 34 00  02 00 08 00 01 00 00 00";

TEST(X224Request, HasThe19BytesOfTheSpecification) {
  const auto request = encode_request(0x0B);
  EXPECT_EQ(to_hex(std::span{request}),
            "030000130EE0000000000001000800"
            "0B000000");
}

TEST(X224Request, CarriesTheProtocolsInLittleEndian) {
  const auto request = encode_request(0x04030201);
  EXPECT_EQ(to_hex(std::span{request}.last(4)), "01020304");
}

TEST(X224Reply, ReadsTheChosenProtocol) {
  const auto reply = decode_reply(from(k_confirm_tls));
  ASSERT_TRUE(std::holds_alternative<Confirm>(reply)) << reason(reply);
  EXPECT_EQ(std::get<Confirm>(reply).selected_protocol, 1U);
  EXPECT_FALSE(std::get<Confirm>(reply).failure_code.has_value());
}

TEST(X224Reply, ReadsTheChoiceWhateverItsFlags) {
  const auto reply = decode_reply(from("03000013 0ED00000123400 021F080008000000"));
  ASSERT_TRUE(std::holds_alternative<Confirm>(reply)) << reason(reply);
  EXPECT_EQ(std::get<Confirm>(reply).selected_protocol, 8U);
}

TEST(X224Reply, ReadsAFailure) {
  const auto reply = decode_reply(from("03000013 0ED00000123400 0300080005000000"));
  ASSERT_TRUE(std::holds_alternative<Confirm>(reply)) << reason(reply);
  EXPECT_EQ(std::get<Confirm>(reply).failure_code, 5U);
  EXPECT_FALSE(std::get<Confirm>(reply).selected_protocol.has_value());
}

TEST(X224Reply, ReadsAConfirmWithoutNegotiation) {
  const auto reply = decode_reply(from("0300000B 06D00000123400"));
  ASSERT_TRUE(std::holds_alternative<Confirm>(reply)) << reason(reply);
  EXPECT_FALSE(std::get<Confirm>(reply).selected_protocol.has_value());
  EXPECT_FALSE(std::get<Confirm>(reply).failure_code.has_value());
}

TEST(X224Reply, AsksForMoreAtEveryPrefixAndNeverForTooMuch) {
  const auto whole = from(k_confirm_tls);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto reply = decode_reply(Bytes{whole}.first(size));
    ASSERT_TRUE(std::holds_alternative<NeedMore>(reply)) << size << " " << reason(reply);
    EXPECT_EQ(std::get<NeedMore>(reply).total, size < 4 ? 4U : 19U) << size;
  }
}

TEST(X224Reply, RefusesWhatIsNoConfirmAndSaysWhy) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"53 53 48 2D", "SSH"},
      {"48 54 54 50 2F", "HTTP"},
      {"15 03 03 00", "TLS alert"},
      {"00", "0x00"},
      {"03 00 02 01", "513 bytes"},
      {"03 00 FF FF", "65535 bytes"},
      {"03 00 00 00", "only 0 bytes"},
      {"03 00 00 0A", "only 10 bytes"},
      {"0300000B 0680", "Disconnect Request"},
      {"03000013 0EE0", "0xE0"},
      {"0300000B 05D00000123400", "5 bytes follow"},
      {"0300000C 07D0000012340000", "12 bytes"},
      {"03000013 0FD00000123400 0200080001000000", "15 bytes follow"},
      {"03000013 0ED00000123400 0400080001000000", "type 4"},
      {"03000013 0ED00000123400 0200090001000000", "9 bytes"},
      {"03000013 0ED00000123400 0200000801000000", "2048 bytes"},
      {"03000014 0FD00000123400 020008000100000000", "20 bytes"},
      {k_confirm_tls + "16", "1 bytes follow"},
  };
  for (const auto& [hex, expected] : cases) {
    const auto reply = decode_reply(from(hex));
    EXPECT_THAT(reason(reply), testing::HasSubstr(expected)) << hex;
  }
}

TEST(X224Reply, TakesTheLargestAllowedAnnouncementOnlyAsAnnouncement) {
  EXPECT_EQ(std::get<NeedMore>(decode_reply(from("03 00 02 00"))).total, k_max_reply_bytes);
}

TEST(X224Reply, EveryMutationEndsInOneOfTheThreeAnswers) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  const auto whole = from(k_confirm_tls);
  for (int round = 0; round < 20000; ++round) {
    auto mutated = whole;
    for (auto changes = 1 + random() % 3; changes > 0; --changes)
      mutated[random() % mutated.size()] = static_cast<std::uint8_t>(random());
    mutated.resize(random() % (mutated.size() + 1));
    const auto reply = decode_reply(mutated);
    if (const auto* more = std::get_if<NeedMore>(&reply)) {
      ASSERT_GT(more->total, mutated.size());
      ASSERT_LE(more->total, k_max_reply_bytes);
    } else if (std::holds_alternative<Malformed>(reply)) {
      ASSERT_FALSE(reason(reply).empty());
    }
  }
}

}  // namespace
}  // namespace rdpmend::x224
