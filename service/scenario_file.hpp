// A scenario from a file, so that a report of a broken host can be rehearsed: rdpmendd rehearse --file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/rules/catalogue.hpp"
#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/scenario.pb.h"

namespace rdpmend {

// Problems are "NAME:LINE:COLUMN: message.", all of them at once; with any, `scenario` is not to be used.
struct ParsedScenario {
  v1::Scenario scenario;
  std::vector<std::string> problems;
};
ParsedScenario parse_scenario(const std::string& name, std::string_view textproto, const Catalogue& catalogue);

// Error::what holds one problem a line. A scenario without a name or a title has the file's.
Result<v1::Scenario> load_scenario(const std::filesystem::path& file, const Catalogue& catalogue);

}  // namespace rdpmend
