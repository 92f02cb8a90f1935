// A plan for people: every write with its reason, before anything is written.
#pragma once

#include "cli/format/page.hpp"
#include "rdpmend/v1/journal.pb.h"

namespace rdpmend::cli {

// What was looked at, the rungs and the advice.
void print_plan(Page& page, const v1::Plan& plan);
// The rungs of a repair, each step with how far it came.
void print_repair(Page& page, const v1::Repair& repair);

// "asks first: drops sessions, cannot be undone"; empty for a step that needs no approval.
std::string asks_first(const v1::Step& step);

}  // namespace rdpmend::cli
