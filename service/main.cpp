// rdpmendd: the verbs and their options.
#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <memory>

#include "agent-lib/support/arguments.hpp"
#include "agent-lib/support/printable.hpp"
#include "agent-lib/support/utf8.hpp"
#include "service/hosting/console_owner.hpp"
#include "service/hosts/host_session.hpp"
#include "service/os/exit_codes.hpp"
#include "service/os/platform.hpp"
#include "service/os/print.hpp"
#include "service/pki/pki.hpp"
#include "service/rehearsal.hpp"
#include "service/selftest/selftest.hpp"
#include "service/serve.hpp"
#include "service/verbs.hpp"

namespace rdpmend {

namespace {

constexpr const char* k_exit_codes =
    "Exit codes: 0 ended as asked, or healed; 1 wrong usage or configuration, or could not start;\n"
    "2 rehearse --until-healed: not healed, or selftest: something differs; 3 something hung while stopping (the next\n"
    "start recovers).";

int run(const ServeOptions& options) {
  ConsoleOwner console;
  const auto done = serve(options, console);
  return done ? exit_code::k_ok : refuse(done.error());
}

struct SelftestOptions {
  std::string format = "table";  // or "json"
};

int selftest(const SelftestOptions& options) {
  const auto host = open_this_machine();
  if (!host) return refuse(host.error());
  const auto view = (*host)->control().view();
  const auto test = check_all(view);
  fmt::print("{}", options.format == "json" ? to_json(test, view.identity) : to_table(test));
  std::fflush(stdout);
  const bool differs = std::ranges::count(test.checks(), Check::OUTCOME_DIFFERENT, &Check::outcome) > 0;
  return differs ? exit_code::k_differs : exit_code::k_ok;
}

struct InitPkiOptions {
  std::filesystem::path state = default_state_folder();
  std::string name = "localhost";
  bool force = false;
};

int make_pki(const InitPkiOptions& options) {
  const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  const auto pki = init_pki(options.state, options.name, now, options.force ? IfPresent::replace : IfPresent::refuse);
  if (!pki) return refuse(pki.error());
  if (pki->set_aside) print_to(stdout, "The former keys are in {}\n", to_utf8(*pki->set_aside));
  print_to(stdout, "server certificate  {}\n  SHA-256           {}\nadmin certificate   {}\n  SHA-256           {}\n",
           to_utf8(pki->paths.server_certificate), pki->server_sha256, to_utf8(pki->paths.admin_folder),
           pki->admin_sha256);
  return exit_code::k_ok;
}

// An option for a path: CLI11 would make one of the ANSI code page on Windows.
template <class Path>
CLI::Option* add_path(CLI::App& verb, const std::string& name, Path& path, const std::string& help) {
  return verb.add_option_function<std::string>(
      name, [&path](const std::string& text) { path = path_from_utf8(text); }, help);
}

void add_run(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<ServeOptions>();
  options->state = default_state_folder();
  auto* verb = app.add_subcommand("run", "Run on this machine, in the foreground");
  add_path(*verb, "--state", options->state, "Folder of the journal and the keys")
      ->default_str(to_utf8(options->state));
  add_path(*verb, "--config", options->config, "Configuration file (default: rdpmend.textproto in the state folder)");
  verb->footer("Example: rdpmendd run --config rdpmend.textproto");
  verb->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

void add_rehearse(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<RehearsalOptions>();
  const auto list = std::make_shared<bool>(false);
  auto* verb = app.add_subcommand("rehearse", "Run on a rehearsed RDP host, to try things out");
  auto* name = verb->add_option("scenario", options->scenario, "The name of a built-in one; see --list");
  add_path(*verb, "--file", options->file, "A scenario of your own: textproto, as in proto/rdpmend/v1/scenario.proto")
      ->excludes(name);
  verb->add_flag("--list", *list, "Show the built-in scenarios");
  verb->add_flag("--until-healed", options->until_healed, "End when the host is healed (0) or cannot be (2)");
  verb->add_option_function<unsigned>(
          "--deadline", [options](unsigned seconds) { options->deadline = std::chrono::seconds(seconds); },
          "Seconds until --until-healed gives up (default: 120)")
      ->check(CLI::Range(1U, 86'400U));
  verb->add_option("--listen", options->listen, "ADDRESS:PORT for gRPC; port 0: any that is free")
      ->capture_default_str();
  verb->add_option("--rdp-port", options->rdp_port, "Port of the rehearsed RDP listener; 0: any that is free")
      ->capture_default_str();
  add_path(*verb, "--state", options->state, "Folder of the journal and the keys (default: a fresh temporary one)");
  add_path(*verb, "--config", options->config, "Configuration file (default: none)");
  verb->footer("Example: rdpmendd rehearse certificate-expired --until-healed");
  verb->callback([options, list, &chosen] {
    if (!*list && options->scenario.empty() && !options->file)
      throw CLI::RequiredError("scenario (or --file, or --list)");
    chosen = [options, list] { return *list ? list_scenarios() : rehearse(*options); };
  });
}

void add_selftest(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<SelftestOptions>();
  auto* verb = app.add_subcommand("selftest",
                                  "Check what rdpmend assumes about Windows, as far as you may see; changes nothing");
  verb->add_option("--format", options->format, "table or json")
      ->capture_default_str()
      ->check(CLI::IsMember({"table", "json"}));
  verb->footer(
      "Run it as administrator where no service runs. What the service sees: rdpmend selftest.\n"
      "Example: rdpmendd selftest --format json > selftest.json");
  verb->callback([options, &chosen] { chosen = [options] { return selftest(*options); }; });
}

void add_init_pki(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<InitPkiOptions>();
  auto* verb = app.add_subcommand("init-pki", "Make the server's keys and those of the local administrator");
  add_path(*verb, "--state", options->state, "Folder of the journal and the keys")
      ->default_str(to_utf8(options->state));
  verb->add_option("--name", options->name, "Name of this host in the server's certificate")->capture_default_str();
  verb->add_flag("--force", options->force,
                 "Replace what is there; it is set aside, and every client must be trusted anew");
  verb->footer("Example: rdpmendd init-pki --state /var/lib/rdpmend");
  verb->callback([options, &chosen] { chosen = [options] { return make_pki(*options); }; });
}

int run_verbs(std::vector<std::string> arguments) {
  CLI::App app("rdpmendd keeps a Remote Desktop host reachable. Command it with rdpmend.", "rdpmendd");
  app.set_version_flag("--version", std::string("rdpmendd ") + RDPMEND_VERSION);
  app.require_subcommand(1);
  app.allow_windows_style_options(false);  // /path/file is a path.
  app.footer(std::string("Example: rdpmendd rehearse --list\n\n") + k_exit_codes);
  Chosen chosen;
  add_run(app, chosen);
  add_service_verbs(app, chosen);
  add_rehearse(app, chosen);
  add_selftest(app, chosen);
  add_init_pki(app, chosen);
  try {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back.
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    return refuse({ErrorCode::invalid_argument, error.what(), "Run with --help for more information.", {}});
  }
  return chosen();
}

}  // namespace

int refuse(const Error& error) {
  print_to(stderr, "rdpmendd: {}\n", printable(to_string(error)));
  return exit_code::k_refused;
}

}  // namespace rdpmend

int main(int argc, char** argv) {
  // First of all: OpenSSL's configuration names libraries to load, and its place was chosen where OpenSSL was built.
  // Here anybody might be able to make that folder. https://docs.openssl.org/3.0/man3/OPENSSL_init_crypto/
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  try {
    rdpmend::prepare_terminal();
    return rdpmend::run_verbs(rdpmend::utf8_arguments(argc, argv));
  } catch (const std::exception& error) {
    return rdpmend::refuse({rdpmend::ErrorCode::internal, error.what(), "Please report this.", {}});
  }
}
