// How --help looks: options and commands in two columns, wrapped for an 80-column terminal.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace rdpmend::cli {

class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_description(const CLI::App* app) const override;
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_subcommand(const CLI::App* command) const override;
};

}  // namespace rdpmend::cli
