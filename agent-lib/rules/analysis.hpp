// Runs the rules over an exported event log, as the service would have run them, by the events' own time.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

#include "agent-lib/rules/catalogue.hpp"
#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/analysis.pb.h"

namespace rdpmend {

inline constexpr std::size_t k_max_analysis_findings = 1000;
inline constexpr std::size_t k_max_analysis_problems = 100;
inline constexpr std::size_t k_max_analysis_computers = 64;
inline constexpr int k_max_analysis_samples = 5;

// What is wrong with single events is in the report; an error means that the file cannot be read at all.
Result<v1::AnalysisReport> analyze_event_file(const std::filesystem::path& path, const Catalogue& catalogue);
Result<v1::AnalysisReport> analyze_events(std::istream& in, const std::string& name, const Catalogue& catalogue);

}  // namespace rdpmend
