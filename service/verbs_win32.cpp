// The verbs around the Service Control Manager.
#include <fmt/format.h>

#include <memory>

#include "agent-lib/support/utf8.hpp"
#include "service/event_log/event_log.hpp"
#include "service/hosting/scm_host.hpp"
#include "service/hosting/scm_install.hpp"
#include "service/os/exit_codes.hpp"
#include "service/os/platform.hpp"
#include "service/os/print.hpp"
#include "service/serve.hpp"
#include "service/verbs.hpp"

namespace rdpmend {

namespace {

int install(const InstallOptions& options) {
  const auto done = install_service(options);
  if (!done) {
    // For an installation without a screen; Windows Installer throws away what a program prints.
    (void)EventLog().report(could_not_start(Error(done.error()).context("the service could not be installed")));
    return refuse(done.error());
  }
  for (const auto& warning : done->warnings) print_to(stderr, "rdpmendd: warning: {}\n", warning);
  print_to(stdout,
           "service        rdpmend, starts with Windows ({})\nstate          {}\nlistens on     {}\nadmin profile  {}\n"
           "Start it now with: sc.exe start rdpmend\n"
           "From the next start of Windows on, it has its own SID and is restarted also when it ends with an error.\n",
           done->updated ? "updated" : "installed", to_utf8(done->state), done->listen, to_utf8(done->admin_profile));
  return exit_code::k_ok;
}

int uninstall() {
  const auto done = uninstall_service();
  if (!done) return refuse(done.error());
  for (const auto& warning : done->warnings) print_to(stderr, "rdpmendd: warning: {}\n", warning);
  print_to(stdout, "{}\nConfiguration, keys and journal are kept in {} or where --state put them.\n",
           done->was_installed ? "The service and its event source are removed." : "There was no service rdpmend.",
           to_utf8(default_state_folder()));
  return exit_code::k_ok;
}

void add_install(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<InstallOptions>();
  auto* verb = app.add_subcommand("install", "Install the Windows service, or bring an installed one up to date");
  verb->add_option_function<std::string>(
      "--listen", [options](const std::string& address) { options->listen = address; },
      "ADDRESS:PORT for gRPC, written to the configuration file (default: what is there, or 127.0.0.1:30904)");
  verb->add_option_function<std::string>(
      "--state", [options](const std::string& folder) { options->state = path_from_utf8(folder); },
      "Folder of configuration, journal and keys (default: where an installed service has it, or " +
          to_utf8(default_state_folder()) + ")");
  verb->footer("Example: rdpmendd install --listen 10.0.0.5:30904");
  verb->callback([options, &chosen] { chosen = [options] { return install(*options); }; });
}

void add_uninstall(CLI::App& app, Chosen& chosen) {
  auto* verb = app.add_subcommand("uninstall", "Stop and remove the Windows service; configuration and journal stay");
  verb->callback([&chosen] { chosen = uninstall; });
}

void add_service(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<ServeOptions>();
  options->state = default_state_folder();
  auto* verb = app.add_subcommand("service", "Run for the Service Control Manager, which alone calls this");
  verb->add_option_function<std::string>(
      "--state", [options](const std::string& folder) { options->state = path_from_utf8(folder); },
      "Folder of configuration, journal and keys");
  verb->callback([options, &chosen] {
    chosen = [options] {
      return serve_for_scm(options->state, [options](ProcessOwner& owner) { return serve(*options, owner); });
    };
  });
}

}  // namespace

void add_service_verbs(CLI::App& app, Chosen& chosen) {
  add_install(app, chosen);
  add_uninstall(app, chosen);
  add_service(app, chosen);
}

}  // namespace rdpmend
