// What the rules found in an exported event log, for people.
#pragma once

#include "cli/format/page.hpp"
#include "rdpmend/v1/analysis.pb.h"

namespace rdpmend::cli {

void print_analysis(Page& page, const v1::AnalysisReport& report);

}  // namespace rdpmend::cli
