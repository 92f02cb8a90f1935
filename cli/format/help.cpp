#include "cli/format/help.hpp"

#include <fmt/format.h>

#include "cli/format/terminal.hpp"
#include "cli/format/text.hpp"

namespace rdpmend::cli {

namespace {

constexpr std::size_t k_name_columns = 24;

std::string two_columns(const std::string& name, const std::string& text) {
  std::string out = fmt::format("  {:<{}}", name, k_name_columns - 2);
  // A name that reaches into the second column has a line of its own.
  if (name.size() + 4 > k_name_columns) out = "  " + name + "\n" + std::string(k_name_columns, ' ');
  bool first = true;
  for (const auto& line : wrap(text, k_usual_width - k_name_columns)) {
    if (!first) out += std::string(k_name_columns, ' ');
    out += line + "\n";
    first = false;
  }
  return out;
}

}  // namespace

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  std::string usage = "Usage: " + name;
  if (!app->get_subcommands({}).empty()) return usage + " [OPTIONS] COMMAND ...\n";
  if (app->get_parent() != nullptr && !name.starts_with(app->get_parent()->get_name())) {
    usage = "Usage: " + app->get_parent()->get_name() + " " + name;
  }
  for (const auto* option : app->get_options([](const CLI::Option* o) { return o->get_positional(); })) {
    const auto shown = option->get_name(true) + (option->get_expected_max() > 1 ? "..." : "");
    usage += option->get_required() ? " " + shown : " [" + shown + "]";
  }
  return usage + " [OPTIONS]\n";
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
  std::string out;
  for (const auto& line : wrap(app->get_description(), k_usual_width)) out += line + "\n";
  return out + "\n";
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  auto name = option->get_name(is_positional, true);
  if (!is_positional && option->get_items_expected_max() > 0) name += " " + option->get_type_name();
  auto text = option->get_description();
  if (!option->get_default_str().empty()) text += fmt::format(" (default {})", option->get_default_str());
  if (!option->get_envname().empty()) text += fmt::format(" (or {} in the environment)", option->get_envname());
  return two_columns(name, text);
}

// In the list of commands the first sentence is enough.
std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  const auto description = command->get_description();
  return two_columns(command->get_name(), description.substr(0, description.find(". ")));
}

}  // namespace rdpmend::cli
