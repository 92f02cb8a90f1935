// What a client tells of its own probe, made safe to keep: bounded, with values that every reader can show.
#pragma once

#include <string>
#include <string_view>

#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/probe.pb.h"

namespace rdpmend {

// Texts are clipped and freed of control characters, the certificate's DER and what this version does not know are
// dropped. invalid_argument: it is no report of a probe.
Result<v1::ProbeReport> bounded_report(v1::ProbeReport report);

}  // namespace rdpmend
