// The functions that answer the checks, one file each, and what several of them read. All throw as need() does.
#pragma once

#include <string>

#include "agent-lib/engine/check.hpp"

namespace rdpmend::checks {

v1::Check look_at_name(const Look& look, const OwnState& own);
v1::Check look_at_tcp(const Look& look, const OwnState& own);
v1::Check look_at_firewall(const Look& look, const OwnState& own);
v1::Check look_at_service(const Look& look, const OwnState& own);
v1::Check look_at_listener(const Look& look, const OwnState& own);
v1::Check look_at_x224(const Look& look, const OwnState& own);
v1::Check look_at_certificate(const Look& look, const OwnState& own);
v1::Check look_at_tls(const Look& look, const OwnState& own);
v1::Check look_at_nla(const Look& look, const OwnState& own);
v1::Check look_at_licence(const Look& look, const OwnState& own);
v1::Check look_at_logon(const Look& look, const OwnState& own);
v1::Check look_at_session(const Look& look, const OwnState& own);
v1::Check look_at_policy(const Look& look, const OwnState& own);
v1::Check look_at_clock(const Look& look, const OwnState& own);
v1::Check look_at_agent(const Look& look, const OwnState& own);

// One handshake with the host's own address, the same for all checks of a look. The firewall does not see it.
v1::ProbeReport need_handshake(const Look& look);
// "probe 192.0.2.10:3389".
std::string source_of(const v1::ProbeReport& report);
// "TLS", "CredSSP": RDP_NEG_RSP.selectedProtocol.
std::string protocol_name(std::uint32_t selected);

}  // namespace rdpmend::checks
