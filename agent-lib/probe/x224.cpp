// MS-RDPBCGR 2.2.1.1 and 2.2.1.2; TPKT is RFC 1006 section 6, the TPDUs are X.224 section 13.
#include "agent-lib/probe/x224.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rdpmend::x224 {

namespace {

constexpr std::uint8_t k_tpkt_version = 3;
constexpr std::size_t k_tpkt_bytes = 4;
constexpr std::size_t k_confirm_bytes = 11;  // TPKT and X.224 headers.
constexpr std::size_t k_negotiation_bytes = 8;
constexpr std::size_t k_confirm_with_negotiation_bytes = k_confirm_bytes + k_negotiation_bytes;
constexpr std::uint8_t k_tpdu_confirm = 0xD0;  // The low nibble is the credit, zero in class 0.
constexpr std::uint8_t k_tpdu_disconnect = 0x80;
constexpr std::uint8_t k_type_response = 2;
constexpr std::uint8_t k_type_failure = 3;

constexpr std::size_t k_at_length_indicator = 4;
constexpr std::size_t k_at_tpdu = 5;
constexpr std::size_t k_at_type = 11;
constexpr std::size_t k_at_negotiation_length = 13;
constexpr std::size_t k_at_value = 15;

std::uint32_t little_endian32(Bytes four) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8U | four[i];
  return value;
}

bool begins_with(Bytes bytes, std::string_view text) {
  const auto size = std::min(bytes.size(), text.size());
  return std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size), text.begin(),
                    [](std::uint8_t byte, char c) { return byte == static_cast<std::uint8_t>(c); });
}

// Says what else lives on the port, for those servers that give themselves away.
Malformed not_tpkt(Bytes bytes) {
  if (begins_with(bytes, "SSH-")) return {"the answer is the banner of an SSH server"};
  if (begins_with(bytes, "HTTP")) return {"the answer is that of an HTTP server"};
  if (begins_with(bytes, "\x15\x03"))
    return {"the answer is a TLS alert: the server speaks TLS without X.224 before it"};
  return {fmt::format("the answer begins with byte 0x{:02X}, where TPKT has 0x03", bytes[0])};
}

Reply decode_negotiation(Bytes bytes) {
  const auto length = static_cast<unsigned>(bytes[k_at_negotiation_length] | bytes[k_at_negotiation_length + 1] << 8U);
  if (length != k_negotiation_bytes)
    return Malformed{fmt::format("the negotiation data says it has {} bytes, not 8", length)};
  const auto value = little_endian32(bytes.subspan(k_at_value, 4));
  switch (bytes[k_at_type]) {
    case k_type_response: return Confirm{value, std::nullopt};
    case k_type_failure: return Confirm{std::nullopt, value};
    default: return Malformed{fmt::format("the negotiation data has the unknown type {}", bytes[k_at_type])};
  }
}

}  // namespace

std::array<std::uint8_t, 19> encode_request(std::uint32_t requested_protocols) {
  std::array<std::uint8_t, 19> out{0x03, 0x00, 0x00, 0x13,  // TPKT: version 3, 19 bytes
                                   0x0E, 0xE0, 0x00, 0x00,
                                   0x00, 0x00, 0x00,         // X.224: 14 bytes follow, Connection Request
                                   0x01, 0x00, 0x08, 0x00};  // RDP_NEG_REQ: no flags, 8 bytes
  for (std::size_t i = 0; i < 4; ++i) out[k_at_value + i] = static_cast<std::uint8_t>(requested_protocols >> (8 * i));
  return out;
}

Reply decode_reply(Bytes bytes) {
  if (bytes.empty()) return NeedMore{k_tpkt_bytes};
  if (bytes[0] != k_tpkt_version) return not_tpkt(bytes);
  if (bytes.size() < k_tpkt_bytes) return NeedMore{k_tpkt_bytes};

  const std::size_t total = static_cast<std::size_t>(bytes[2]) << 8U | bytes[3];
  if (total > k_max_reply_bytes) return Malformed{fmt::format("the answer announces {} bytes", total)};
  if (total < k_confirm_bytes) return Malformed{fmt::format("the answer announces only {} bytes", total)};
  if (bytes.size() > k_at_tpdu) {
    const auto tpdu = bytes[k_at_tpdu] & 0xF0U;
    if (tpdu == k_tpdu_disconnect) return Malformed{"the answer is an X.224 Disconnect Request"};
    if (tpdu != k_tpdu_confirm)
      return Malformed{fmt::format("the answer is X.224 TPDU 0x{:02X}, not a Connection Confirm", bytes[k_at_tpdu])};
  }
  if (bytes.size() < total) return NeedMore{total};
  if (bytes.size() > total) return Malformed{fmt::format("{} bytes follow the answer", bytes.size() - total)};

  if (bytes[k_at_length_indicator] + k_at_tpdu != total) {
    return Malformed{fmt::format("the X.224 header says {} bytes follow, TPKT says {}", bytes[k_at_length_indicator],
                                 total - k_at_tpdu)};
  }
  if (total == k_confirm_bytes) return Confirm{};
  if (total != k_confirm_with_negotiation_bytes)
    return Malformed{fmt::format("the answer has {} bytes, not 11 or 19", total)};
  return decode_negotiation(bytes);
}

}  // namespace rdpmend::x224
