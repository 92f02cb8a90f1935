// Puts a probe's outcome into words for people: what happened, and what that says about the host.
#pragma once

#include <string>
#include <string_view>

#include "rdpmend/v1/probe.pb.h"

namespace rdpmend {

// One sentence. `cause` is what the system, OpenSSL or the decoder said; may be empty.
std::string detail_of(const v1::ProbeReport& report, std::string_view cause);
// One sentence: what it says about the host, and what to look at next.
std::string meaning_of(const v1::ProbeReport& report);

}  // namespace rdpmend
