// What a selftest found: what differs in full, and how much holds.
#pragma once

#include "cli/format/page.hpp"
#include "rdpmend/v1/agent.pb.h"

namespace rdpmend::cli {

// all: also what is as expected, and what this host need not have.
void print_selftest(Page& page, const v1::SelfTestResponse& test, bool all);

}  // namespace rdpmend::cli
