// What the checks of a handshake have in common.
#include <fmt/format.h>

#include "agent-lib/checks/checks.hpp"
#include "agent-lib/faults/kit/evidence.hpp"
#include "agent-lib/support/address.hpp"

namespace rdpmend::checks {

v1::ProbeReport need_handshake(const Look& look) {
  return need(look.host.listener.probe(ProbeFrom::own_address, faults::k_probe_deadline));
}

std::string source_of(const v1::ProbeReport& report) {
  return "probe " + to_text(report.host(), static_cast<std::uint16_t>(report.port()));
}

// MS-RDPBCGR 2.2.1.2.1.
std::string protocol_name(std::uint32_t selected) {
  switch (selected) {
    case 0: return "standard RDP security";
    case 1: return "TLS";
    case 2: return "CredSSP";
    case 4: return "RDSTLS";
    case 8: return "CredSSP-EX";
    default: return fmt::format("protocol {}", selected);
  }
}

}  // namespace rdpmend::checks
