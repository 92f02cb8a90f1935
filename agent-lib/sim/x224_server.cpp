#include "agent-lib/sim/x224_server.hpp"

#include <algorithm>

#include "agent-lib/probe/rdp_handshake.hpp"

namespace rdpmend::sim::x224_server {

namespace {

constexpr std::uint8_t k_tpkt_version = 3;
constexpr std::uint8_t k_connection_request = 0xE0;
constexpr std::uint8_t k_connection_confirm = 0xD0;
constexpr std::size_t k_fixed_bytes = 11;  // TPKT header, length indicator, code, references, class.
constexpr std::size_t k_negotiation_bytes = 8;
constexpr std::uint8_t k_type_request = 1, k_type_response = 2, k_type_failure = 3;

constexpr std::uint32_t k_ssl_required_by_server = 1;
constexpr std::uint32_t k_ssl_not_allowed_by_server = 2;
constexpr std::uint32_t k_hybrid_required_by_server = 5;

std::uint32_t read_le32(Bytes bytes) {
  return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8 |
         static_cast<std::uint32_t>(bytes[2]) << 16 | static_cast<std::uint32_t>(bytes[3]) << 24;
}

// Routing token or cookie: text up to CR LF, if there is one.
Bytes skip_token(Bytes rest) {
  constexpr std::uint8_t k_end[] = {'\r', '\n'};
  const auto end = std::search(rest.begin(), rest.end(), std::begin(k_end), std::end(k_end));
  return end == rest.end() ? rest : Bytes(end + std::size(k_end), rest.end());
}

}  // namespace

std::optional<std::size_t> request_length(std::span<const std::uint8_t, k_header_bytes> header) {
  const std::size_t length = static_cast<std::size_t>(header[2]) << 8 | header[3];
  if (header[0] != k_tpkt_version || length < k_fixed_bytes || length > k_max_request_bytes) return std::nullopt;
  return length;
}

std::optional<std::uint32_t> requested_protocols(Bytes request) {
  if (request.size() < k_fixed_bytes || request[5] != k_connection_request) return std::nullopt;
  if (request[4] + std::size_t{5} != request.size()) return std::nullopt;
  const auto rest = skip_token(request.subspan(k_fixed_bytes));
  if (rest.empty()) return 0;
  if (rest.size() < k_negotiation_bytes || rest[0] != k_type_request) return std::nullopt;
  if (rest[2] != k_negotiation_bytes || rest[3] != 0) return std::nullopt;
  return read_le32(rest.subspan(4));
}

std::variant<Selected, Refused> negotiate(std::uint32_t requested, bool nla_required, bool tls_allowed) {
  using namespace rdp_protocol;
  if (!tls_allowed) return Refused{k_ssl_not_allowed_by_server};
  if ((requested & k_hybrid_ex) != 0) return Selected{k_hybrid_ex};
  if ((requested & k_hybrid) != 0) return Selected{k_hybrid};
  if (nla_required) return Refused{k_hybrid_required_by_server};
  if ((requested & k_tls) != 0) return Selected{k_tls};
  return Refused{k_ssl_required_by_server};
}

std::array<std::uint8_t, 19> encode(const std::variant<Selected, Refused>& answer) {
  const auto* selected = std::get_if<Selected>(&answer);
  const auto type = selected ? k_type_response : k_type_failure;
  const auto value = selected ? selected->protocol : std::get<Refused>(answer).failure_code;
  const auto byte = [value](int shift) { return static_cast<std::uint8_t>(value >> shift); };
  return {k_tpkt_version, 0,        0,       19,   14, k_connection_confirm, 0, 0,
          0x12,           0x34,     0,       type, 0,  k_negotiation_bytes,  0, byte(0),
          byte(8),        byte(16), byte(24)};
}

}  // namespace rdpmend::sim::x224_server
