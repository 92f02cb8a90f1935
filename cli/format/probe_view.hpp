// A probe's report for people: the ladder, the certificate, and what it means.
#pragma once

#include <cstdint>
#include <string>

#include "cli/format/page.hpp"
#include "rdpmend/v1/journal.pb.h"
#include "rdpmend/v1/probe.pb.h"

namespace rdpmend::cli {

void print_probe(Page& page, const v1::ProbeReport& report);
// "TLS done in 12 ms, TLSv1.3, certificate valid until 2026-06-30".
std::string probe_line(const v1::ProbeReport& report);
Style style_of(v1::ProbeOutcome outcome);
// RDP_NEG_REQ.requestedProtocols or RDP_NEG_RSP.selectedProtocol: "TLS, CredSSP".
std::string protocol_names(std::uint32_t protocols);
// RDP_NEG_FAILURE.failureCode: "5 HYBRID_REQUIRED_BY_SERVER".
std::string failure_name(std::uint32_t code);

// What a client told of its own probe, who and when.
std::string outside_probe_line(const v1::OutsideProbe& probe, const google::protobuf::Timestamp& now);

}  // namespace rdpmend::cli
