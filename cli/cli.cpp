#include "cli/cli.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <vector>

#include "cli/format/help.hpp"

namespace rdpmend::cli {

namespace {

constexpr const char* k_footer =
    "Examples:\n"
    "  rdpmend status\n"
    "  rdpmend explain 0x904 0x7\n"
    "  rdpmend probe rdp1.example.net\n"
    "\n"
    "Exit codes:\n"
    "  0  ok\n"
    "  1  wrong usage\n"
    "  2  refused or failed\n"
    "  3  the service cannot be reached, or does not answer in time\n"
    "  4  not authenticated or not authorised\n"
    "  5  open incidents, or something degraded (status --check), or faulty (health)\n"
    "\n"
    "The options above may stand before or behind the command.\n"
    "rdpmend COMMAND --help says more about each, with examples.\n";

void add_global_options(CLI::App& app, GlobalOptions& options) {
  app.add_option("--profile", options.profile, "Client profile to connect with; default: the local service's")
      ->envname("RDPMEND_PROFILE")
      ->type_name("FILE");
  app.add_option("--address", options.address,
                 "Where the service is, instead of the profile's address; port 30904 if not given")
      ->type_name("HOST[:PORT]");
  app.add_option(
         "--format", options.format,
         "Tables for people, JSON for programs (one object a line for watch and journal); health also has junit "
         "and avd")
      ->check(CLI::IsMember({"table", "json", "junit", "avd"}).description(""))
      ->type_name("table|json");
  app.add_option("--timeout", options.timeout_s, "How long one call may take")
      ->type_name("SECONDS")
      ->check(CLI::Range(1U, 3600U).description(""))
      ->capture_default_str();
  app.add_flag("--no-color", options.no_color, "No colours; NO_COLOR=1 says the same");
  app.set_version_flag("--version", "rdpmend " RDPMEND_VERSION, "The version of this program");
}

// What happened and why, then what to do next.
void report(std::ostream& err, const Terminal& terminal, const Error& error) {
  Page page(err, {terminal.width, false});
  auto what = error.what;
  if (error.os) what += fmt::format(" ({} {})", error.os->domain, error.os->value);
  page.hang({{"rdpmend: "}}, what);
  if (!error.hint.empty()) page.hang({{"   next: "}}, error.hint);
}

int fail_with(const Error& error, std::ostream& err, const Terminal& terminal) {
  report(err, terminal, error);
  return static_cast<int>(exit_code_of(error.code));
}

// Help and version are no errors; everything else is a usage error that says where help is.
int report_parse(const CLI::App& app, const CLI::ParseError& error, std::ostream& out, std::ostream& err,
                 const Terminal& terminal) {
  if (error.get_exit_code() == 0) {
    app.exit(error, out, err);
    if (const auto written = check_written(out); !written) return fail_with(written.error(), err, terminal);
    return static_cast<int>(ExitCode::ok);
  }
  const auto chosen = app.get_subcommands();
  const auto name = chosen.empty() ? "" : " " + chosen.front()->get_name();
  report(err, terminal,
         {ErrorCode::invalid_argument, error.what(), fmt::format("rdpmend{} --help shows how", name), std::nullopt});
  return static_cast<int>(ExitCode::usage);
}

// Those of one command.
Status check_format(const CLI::App& app, const std::string& format) {
  if (format == "table" || format == "json" || app.got_subcommand("health")) return {};
  return fail(ErrorCode::invalid_argument, fmt::format("--format {} is of health alone", format),
              "Take table or json.");
}

using AddCommand = void (*)(CLI::App&, Run&);
struct CommandGroup {
  const char* title;
  std::vector<AddCommand> commands;
};

void add_commands(CLI::App& app, Run& chosen) {
  const std::vector<CommandGroup> groups{
      {"Look",
       {add_status, add_health, add_diagnose, add_faults, add_incidents, add_show, add_plan, add_loans, add_watch,
        add_journal, add_selftest}},
      {"Act", {add_repair, add_approve, add_rollback, add_dismiss, add_relax, add_return}},
      {"Without a service", {add_explain, add_probe, add_analyze}}};
  for (const auto& group : groups) {
    for (const auto add : group.commands) {
      add(app, chosen);
      app.get_subcommands({}).back()->group(group.title);
    }
  }
}

}  // namespace

CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::vector<std::string>& examples) {
  auto* command = app.add_subcommand(name, description)->fallthrough();
  std::string footer = examples.size() == 1 ? "Example:\n" : "Examples:\n";
  for (const auto& example : examples) footer += "  rdpmend " + example + "\n";
  command->footer(footer + "\nOptions of all commands: rdpmend --help\n");
  return *command;
}

CLI::Validator digits() {
  const auto check = [](const std::string& text) -> std::string {
    std::uint64_t number = 0;
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc::result_out_of_range) return text + " is larger than any number here can be";
    return error == std::errc{} && stop == end ? "" : text + " is not a number";
  };
  return CLI::Validator(check, "");
}

std::unique_ptr<CLI::App> make_parser(GlobalOptions& options, Run& chosen) {
  auto app =
      std::make_unique<CLI::App>("Sees and commands rdpmend, the service that keeps an RDP host reachable.", "rdpmend");
  app->footer(k_footer);
  app->require_subcommand(1);
  app->allow_windows_style_options(false);  // /share/file is a path.
  app->formatter(std::make_shared<HelpFormatter>());
  app->set_help_flag("-h,--help", "This help");
  add_global_options(*app, options);
  add_commands(*app, chosen);
  return app;
}

int run_cli(int argc, const char* const* argv, std::ostream& out, std::ostream& err, const Terminal& terminal,
            std::stop_token stop) {
  GlobalOptions options;
  Run chosen;
  const auto app = make_parser(options, chosen);
  try {
    app->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return report_parse(*app, error, out, err, terminal);
  }
  if (const auto valid = check_format(*app, options.format); !valid) return fail_with(valid.error(), err, terminal);
  Context context(options, out, err, terminal, std::move(stop));
  const auto exit = chosen(context);
  const auto written = context.written();
  if (!exit) return fail_with(exit.error(), err, terminal);
  if (!written) return fail_with(written.error(), err, terminal);
  return static_cast<int>(*exit);
}

}  // namespace rdpmend::cli
