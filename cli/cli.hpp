// The whole program but main, so that tests run it with streams and terminals of their own.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>
#include <stop_token>

#include "cli/commands/command.hpp"
#include "cli/session/context.hpp"

namespace rdpmend::cli {

// Every command and option. Parsing fills `options` and sets `chosen`.
std::unique_ptr<CLI::App> make_parser(GlobalOptions& options, Run& chosen);

// Parses, runs and reports. Returns the exit code. A stop request ends whatever is under way.
int run_cli(int argc, const char* const* argv, std::ostream& out, std::ostream& err, const Terminal& terminal,
            std::stop_token stop = {});

}  // namespace rdpmend::cli
