// The X.224 connection step of RDP as bytes, without any I/O: MS-RDPBCGR 2.2.1.1 (request) and 2.2.1.2 (confirm).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>

namespace rdpmend::x224 {

using Bytes = std::span<const std::uint8_t>;

// A well-formed confirm has 11 or 19 bytes; whoever announces more than this is not answering us.
inline constexpr std::size_t k_max_reply_bytes = 512;

// A Connection Request with an RDP_NEG_REQ and no cookie, so that a broker does not route it.
std::array<std::uint8_t, 19> encode_request(std::uint32_t requested_protocols);

// The bytes so far begin an answer; it has at least this many in all. Never more than k_max_reply_bytes.
struct NeedMore {
  std::size_t total = 0;
};
// What came cannot become a Connection Confirm, whatever follows.
struct Malformed {
  std::string reason;
};
// Neither value: no negotiation data, which is how a listener without TLS answers.
struct Confirm {
  std::optional<std::uint32_t> selected_protocol;  // RDP_NEG_RSP
  std::optional<std::uint32_t> failure_code;       // RDP_NEG_FAILURE
};
using Reply = std::variant<NeedMore, Malformed, Confirm>;

// Total over any bytes. Judges as early as it can, so that garbage ends at its first wrong byte.
Reply decode_reply(Bytes bytes);

}  // namespace rdpmend::x224
