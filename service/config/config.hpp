// The service's configuration file: textproto in, a checked ServiceConfig with every default filled in out.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/rules/catalogue.hpp"
#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/config.pb.h"

namespace rdpmend {

// What an empty file means.
v1::ServiceConfig default_config();

// Problems are "NAME:LINE:COLUMN: message. Hint.", all of them at once; with any, `config` is not to be used.
struct ParsedConfig {
  v1::ServiceConfig config;
  std::vector<std::string> problems;
};
ParsedConfig parse_config(const std::string& name, std::string_view textproto, const Catalogue& catalogue);

// Reads the file that was given, which must exist, or else the one at the default place, which need not.
// Error::what holds one problem a line. Names of site rule files come back joined to the folder of the configuration
// file.
Result<v1::ServiceConfig> load_config(const std::optional<std::filesystem::path>& given,
                                      const std::filesystem::path& default_place, const Catalogue& catalogue);

}  // namespace rdpmend
