// What a diagnosis or a verdict rests on.
#pragma once

#include "cli/format/page.hpp"
#include "rdpmend/v1/agent.pb.h"

namespace rdpmend::cli {

// What was looked at, what was found, what a healthy host has, and where it was read.
void print_evidence(Page& page, const google::protobuf::RepeatedPtrField<v1::Evidence>& evidence);
// "certificate_expired (listener RDP-Tcp)".
std::string name_of(const v1::Diagnosis& diagnosis);
// All checks, all findings and both probes.
void print_findings(Page& page, const v1::DiagnoseResponse& response);

}  // namespace rdpmend::cli
