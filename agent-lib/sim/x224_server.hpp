// The server's side of the X.224 connection step, as bytes without any I/O: MS-RDPBCGR 2.2.1.1 and 2.2.1.2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

namespace rdpmend::sim::x224_server {

using Bytes = std::span<const std::uint8_t>;

inline constexpr std::size_t k_header_bytes = 4;         // TPKT
inline constexpr std::size_t k_max_request_bytes = 512;  // With a routing token or cookie, which are short.

// Length of the whole request by its TPKT header. nullopt: no request begins like this, or none of a sane length.
std::optional<std::size_t> request_length(std::span<const std::uint8_t, k_header_bytes> header);

// RDP_NEG_REQ.requestedProtocols of a whole Connection Request; 0 if it has no negotiation data. nullopt: malformed.
std::optional<std::uint32_t> requested_protocols(Bytes request);

struct Selected {
  std::uint32_t protocol = 0;
};
struct Refused {
  std::uint32_t failure_code = 0;
};
// As a host with SecurityLayer 2 answers: TLS at least, CredSSP if it requires Network Level Authentication. With
// SecurityLayer 0 no TLS is allowed, whatever else is required (that it goes before NLA is unproven).
std::variant<Selected, Refused> negotiate(std::uint32_t requested_protocols, bool nla_required,
                                          bool tls_allowed = true);

std::array<std::uint8_t, 19> encode(const std::variant<Selected, Refused>& answer);

}  // namespace rdpmend::sim::x224_server
