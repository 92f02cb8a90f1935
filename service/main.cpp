// rdpmendd: the verbs and their options.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>

#include "service/app.hpp"
#include "service/config.hpp"
#include "service/exit_codes.hpp"
#include "service/hosting/console_host.hpp"
#include "service/hosting/host_session.hpp"
#include "service/logging.hpp"
#include "service/rehearsal.hpp"

namespace {

using namespace rdpmend;
namespace fs = std::filesystem;

constexpr const char* k_exit_codes =
    "Exit codes: 0 ended as asked, or healed; 1 wrong usage or configuration, or could not start;\n"
    "2 rehearse --until-healed: not healed; 3 something hung while stopping (the next start recovers).";

int refuse(const Error& error) {
  fmt::print(stderr, "rdpmendd: {}\n", to_string(error));
  return exit_code::k_refused;
}

fs::path default_state() {
#ifdef _WIN32
  const char* data = std::getenv("ProgramData");
  return fs::path(data != nullptr ? data : "C:\\ProgramData") / "rdpmend";
#else
  return "/var/lib/rdpmend";
#endif
}

struct RunOptions {
  fs::path state = default_state();
  std::optional<fs::path> config;
};

Status run_on_this_machine(const RunOptions& options) {
  const auto config = load_config(options.config, options.state / "rdpmend.textproto", Catalogue::built_in());
  if (!config) return fail(config.error());
  auto host = open_this_machine();
  if (!host) return fail(std::move(host.error()));
  if (auto logging = start_logging(config->log(), ConsoleLog::standard_error, options.state / "log"); !logging)
    return logging;

  ConsoleHost console;
  auto app = App::start({*config, options.state, (*host)->control(), {}});
  if (!app) return fail(std::move(app.error()));
  fmt::print("rdpmendd listens on {}\n  try  rdpmend --profile {} status\n", (*app)->rpc_address(),
             (*app)->admin_profile().string());
  std::fflush(stdout);
  (*app)->stop(console.wait());
  return {};
}

int run(const RunOptions& options) {
  const auto done = run_on_this_machine(options);
  stop_logging();
  return done ? exit_code::k_ok : refuse(done.error());
}

struct InitPkiOptions {
  fs::path state = default_state();
  std::string name = "localhost";
  bool force = false;
};

int make_pki(const InitPkiOptions& options) {
  const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  const auto pki = init_pki(options.state, options.name, now, options.force ? IfPresent::replace : IfPresent::refuse);
  if (!pki) return refuse(pki.error());
  if (pki->set_aside) fmt::print("The former keys are in {}\n", pki->set_aside->string());
  fmt::print("server certificate  {}\n  SHA-256           {}\nadmin certificate   {}\n  SHA-256           {}\n",
             pki->paths.server_certificate.string(), pki->server_sha256, pki->paths.admin_folder.string(),
             pki->admin_sha256);
  return exit_code::k_ok;
}

void add_run(CLI::App& app, RunOptions& options) {
  auto* verb = app.add_subcommand("run", "Run on this machine, in the foreground");
  verb->add_option("--state", options.state, "Folder of the journal and the keys")->capture_default_str();
  verb->add_option("--config", options.config, "Configuration file (default: rdpmend.textproto in the state folder)");
  verb->footer("Example: rdpmendd run --config /etc/rdpmend.textproto");
}

void add_rehearse(CLI::App& app, RehearsalOptions& options, bool& list) {
  auto* verb = app.add_subcommand("rehearse", "Run on a rehearsed RDP host, to try things out");
  verb->add_option("scenario", options.scenario, "Its name; see --list");
  verb->add_flag("--list", list, "Show the scenarios");
  verb->add_flag("--until-healed", options.until_healed, "End when the host is healed (0) or cannot be (2)");
  verb->add_option_function<unsigned>(
          "--deadline", [&options](unsigned seconds) { options.deadline = std::chrono::seconds(seconds); },
          "Seconds until --until-healed gives up (default: 120)")
      ->check(CLI::Range(1U, 86'400U));
  verb->add_option("--listen", options.listen, "ADDRESS:PORT for gRPC; port 0: any that is free")
      ->capture_default_str();
  verb->add_option("--rdp-port", options.rdp_port, "Port of the rehearsed RDP listener; 0: any that is free")
      ->capture_default_str();
  verb->add_option("--state", options.state, "Folder of the journal and the keys (default: a fresh temporary one)");
  verb->add_option("--config", options.config, "Configuration file (default: none)");
  verb->footer("Example: rdpmendd rehearse certificate-expired --until-healed");
}

void add_init_pki(CLI::App& app, InitPkiOptions& options) {
  auto* verb = app.add_subcommand("init-pki", "Make the server's keys and those of the local administrator");
  verb->add_option("--state", options.state, "Folder of the journal and the keys")->capture_default_str();
  verb->add_option("--name", options.name, "Name of this host in the server's certificate")->capture_default_str();
  verb->add_flag("--force", options.force,
                 "Replace what is there; it is set aside, and every client must be trusted anew");
  verb->footer("Example: rdpmendd init-pki --state /var/lib/rdpmend");
}

int run_verbs(int argc, char** argv) {
  CLI::App app("rdpmendd keeps a Remote Desktop host reachable. Command it with rdpmend.", "rdpmendd");
  app.set_version_flag("--version", std::string("rdpmendd ") + RDPMEND_VERSION);
  app.require_subcommand(1);
  app.footer(std::string("Example: rdpmendd rehearse --list\n\n") + k_exit_codes);
  RunOptions run_options;
  RehearsalOptions rehearsal;
  InitPkiOptions pki;
  bool list = false;
  add_run(app, run_options);
  add_rehearse(app, rehearsal, list);
  add_init_pki(app, pki);
  try {
    app.parse(argc, argv);
    if (app.got_subcommand("rehearse") && !list && rehearsal.scenario.empty())
      throw CLI::RequiredError("scenario (or --list)");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_code::k_ok : exit_code::k_refused;
  }
  if (app.got_subcommand("run")) return run(run_options);
  if (app.got_subcommand("init-pki")) return make_pki(pki);
  return list ? list_scenarios() : rehearse(rehearsal);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_verbs(argc, argv);
  } catch (const std::exception& error) {
    return refuse({ErrorCode::internal, error.what(), "Please report this.", {}});
  }
}
