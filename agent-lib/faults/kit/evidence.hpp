// Small things that every fault says: evidence lines, verdicts, and a handshake in words.
#pragma once

#include <string>
#include <string_view>

#include "agent-lib/host/host.hpp"
#include "rdpmend/v1/plan.pb.h"

namespace rdpmend::faults {

void add_evidence(google::protobuf::RepeatedPtrField<v1::Evidence>& list, std::string_view what, std::string_view found,
                  std::string_view expected, std::string_view source);

v1::Verdict verdict(v1::Verdict::Result result, std::string summary);
v1::Verdict ask_again(std::string summary, Duration after);
// The pause before a verification asks again: 1, 2, 4, then 8 s. A probe that fails leaves events and may look like an
// attack, so the host is not asked more often than it can change.
Duration backed_off(Duration since_last_step);

// How long a fault waits for a probe of its listener.
inline constexpr Duration k_probe_deadline = std::chrono::seconds(5);

// One line about a probe: "TLS done, certificate ABCD.." or what went wrong.
std::string probe_summary(const v1::ProbeReport& report);
void add_probe_evidence(google::protobuf::RepeatedPtrField<v1::Evidence>& list, const v1::ProbeReport& report);

}  // namespace rdpmend::faults
