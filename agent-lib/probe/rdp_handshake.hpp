// The probe: TCP, X.224 negotiation, TLS, then stop. Only one that is made from another host passes the firewall of
// this one; made here, it proves the listener and its certificate.
// Wire format: MS-RDPBCGR 2.2.1.1, 2.2.1.2 and 5.4.5.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

#include "agent-lib/support/result.hpp"
#include "agent-lib/support/time.hpp"
#include "rdpmend/v1/probe.pb.h"

namespace rdpmend {

namespace rdp_protocol {  // RDP_NEG_REQ.requestedProtocols and RDP_NEG_RSP.selectedProtocol
inline constexpr std::uint32_t k_rdp = 0x0;
inline constexpr std::uint32_t k_tls = 0x1;
inline constexpr std::uint32_t k_hybrid = 0x2;
inline constexpr std::uint32_t k_rdstls = 0x4;
inline constexpr std::uint32_t k_hybrid_ex = 0x8;
}  // namespace rdp_protocol

struct ProbeTarget {
  std::string host;
  std::uint16_t port = 3389;
};

struct ProbeOptions {
  Duration deadline = std::chrono::seconds{5};  // For everything together.
  // As mstsc asks.
  std::uint32_t requested_protocols = rdp_protocol::k_tls | rdp_protocol::k_hybrid | rdp_protocol::k_hybrid_ex;
};

// "host", "host:port", "[v6]:port", "v6". invalid_argument says what is wrong.
Result<ProbeTarget> parse_probe_target(std::string_view text);

// One connection; blocks at most for the deadline. What went wrong is in the report, never an error.
v1::ProbeReport probe_rdp(const ProbeTarget& target, const ProbeOptions& options, std::stop_token stop = {});

}  // namespace rdpmend
