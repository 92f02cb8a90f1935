// How a command is declared: each file in this folder adds one to the parser, and hands over what to run.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "cli/session/context.hpp"

namespace rdpmend::cli {

// The command that was given on the command line.
using Run = std::function<Result<ExitCode>(Context&)>;

// Examples are shown by --help, without the program's name. Global options are understood behind the command too.
CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::vector<std::string>& examples);

// For numbers of incidents and entries: digits only, at most 64 bits. The parser takes "-1" for a very large number,
// and what is larger than the largest number for that one.
CLI::Validator digits();

void add_status(CLI::App& app, Run& chosen);
void add_diagnose(CLI::App& app, Run& chosen);
void add_health(CLI::App& app, Run& chosen);
void add_selftest(CLI::App& app, Run& chosen);
void add_faults(CLI::App& app, Run& chosen);
void add_incidents(CLI::App& app, Run& chosen);
void add_show(CLI::App& app, Run& chosen);
void add_plan(CLI::App& app, Run& chosen);
void add_repair(CLI::App& app, Run& chosen);
void add_approve(CLI::App& app, Run& chosen);
void add_rollback(CLI::App& app, Run& chosen);
void add_dismiss(CLI::App& app, Run& chosen);
void add_relax(CLI::App& app, Run& chosen);
void add_return(CLI::App& app, Run& chosen);
void add_loans(CLI::App& app, Run& chosen);
void add_watch(CLI::App& app, Run& chosen);
void add_journal(CLI::App& app, Run& chosen);
void add_explain(CLI::App& app, Run& chosen);
void add_probe(CLI::App& app, Run& chosen);
void add_analyze(CLI::App& app, Run& chosen);

}  // namespace rdpmend::cli
