// Checks for people: a line each, in the order of a connection.
#pragma once

#include "cli/format/page.hpp"
#include "rdpmend/v1/agent.pb.h"

namespace rdpmend::cli {

void print_checks(Page& page, const google::protobuf::RepeatedPtrField<v1::Check>& checks);
// all: the evidence of every check, else only of those that are not healthy.
void print_health(Page& page, const v1::GetHealthResponse& health, bool all);

// "tcp faulty, x224 unknown": what is not healthy, but for what is out of sight.
std::string list_of_trouble(const v1::GetHealthResponse& health);

}  // namespace rdpmend::cli
