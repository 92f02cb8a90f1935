#include "service/config/config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "agent-lib/support/utf8.hpp"
#include "service/config/config_bounds.hpp"
#include "service/config/config_check.hpp"
#include "service/config/textproto_file.hpp"

namespace rdpmend {

namespace fs = std::filesystem;

namespace {

void resolve_site_rules(v1::ServiceConfig& config, const fs::path& folder) {
  for (auto& file : *config.mutable_site_rules()) file = to_utf8((folder / path_from_utf8(file)).lexically_normal());
}

}  // namespace

v1::ServiceConfig default_config() {
  v1::ServiceConfig config;
  apply_defaults(config);
  return config;
}

ParsedConfig parse_config(const std::string& name, std::string_view textproto, const Catalogue& catalogue) {
  ParsedConfig result;
  google::protobuf::TextFormat::ParseInfoTree tree;
  std::vector<TextprotoError> errors;
  const bool parsed = parse_textproto(textproto, result.config, errors, &tree);
  // What could be read of a file with mistakes is checked too, so that one look at the list mends them all.
  const auto wrong = check_values(result.config, tree, parsed ? Parsed::all : Parsed::part, catalogue);
  errors.insert(errors.end(), wrong.begin(), wrong.end());
  result.problems = problems_at(name, std::move(errors));
  apply_defaults(result.config);
  return result;
}

Result<v1::ServiceConfig> load_config(const std::optional<fs::path>& given, const fs::path& default_place,
                                      const Catalogue& catalogue) {
  std::error_code ignored;
  if (!given && !fs::exists(fs::symlink_status(default_place, ignored))) return default_config();
  const auto& file = given ? *given : default_place;
  const auto text = read_textproto(file, "configuration file", "Give a readable file, or none for the defaults.");
  if (!text) return fail(text.error());
  auto parsed = parse_config(to_utf8(file), *text, catalogue);
  if (!parsed.problems.empty()) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}", fmt::join(parsed.problems, "\n")),
                "Correct the configuration file and start again.");
  }
  resolve_site_rules(parsed.config, file.parent_path());
  return std::move(parsed.config);
}

}  // namespace rdpmend
