// What a disconnect code says, for people.
#pragma once

#include "cli/format/page.hpp"
#include "rdpmend/v1/knowledge.pb.h"

namespace rdpmend::cli {

void print_explanation(Page& page, const v1::Explanation& explanation);

}  // namespace rdpmend::cli
