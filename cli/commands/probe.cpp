// rdpmend probe: TCP, X.224 and TLS against any RDP listener, as a client would. Needs no service.
#include "agent-lib/probe/rdp_handshake.hpp"

#include "cli/commands/command.hpp"
#include "cli/format/probe_view.hpp"

namespace rdpmend::cli {

namespace {

struct ProbeArguments {
  std::string target;
  unsigned deadline_s = 5;
  std::uint32_t request = ProbeOptions{}.requested_protocols;
};

Result<ExitCode> run(Context& context, const ProbeArguments& arguments) {
  const auto target = parse_probe_target(arguments.target);
  if (!target) return fail(target.error());
  ProbeOptions options;
  options.deadline = std::chrono::seconds{arguments.deadline_s};
  options.requested_protocols = arguments.request;
  const auto report = probe_rdp(*target, options, context.stop());
  const auto shown = context.show(report, [&](Page& page) { print_probe(page, report); });
  if (!shown) return fail(shown.error());
  return report.outcome() == v1::PROBE_OUTCOME_OK ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

void add_probe(CLI::App& app, Run& chosen) {
  auto& command =
      add_command(app, "probe",
                  "Connect to an RDP listener as far as TLS. Says how far it came and what that means. Exits with 0 if "
                  "TLS was done, with 2 otherwise.",
                  {"probe rdp1.example.net", "probe 127.0.0.1:3390 --deadline 2", "probe rdp1 --request 1"});
  const auto arguments = std::make_shared<ProbeArguments>();
  command.add_option("HOST", arguments->target, "HOST, HOST:PORT, [V6]:PORT or V6; the port is 3389 if not given")
      ->required();
  command.add_option("--deadline", arguments->deadline_s, "For everything together")
      ->type_name("SECONDS")
      ->check(CLI::Range(1U, 300U).description(""))
      ->capture_default_str();
  command
      .add_option("--request", arguments->request,
                  "Protocols to ask for, added up: 0 standard RDP, 1 TLS, 2 CredSSP, 4 RDSTLS, 8 CredSSP-EX")
      ->type_name("N")
      ->check(CLI::Range(0U, 15U).description(""))
      ->capture_default_str();
  command.callback(
      [arguments, &chosen] { chosen = [arguments](Context& context) { return run(context, *arguments); }; });
}

}  // namespace rdpmend::cli
