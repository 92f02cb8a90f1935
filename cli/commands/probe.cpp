// rdpmend probe: TCP, X.224 and TLS against any RDP listener, as a client would. Needs no service unless it is told.
#include "agent-lib/probe/rdp_handshake.hpp"

#include <fmt/format.h>

#include "cli/commands/command.hpp"
#include "cli/format/probe_view.hpp"

namespace rdpmend::cli {

namespace {

struct ProbeArguments {
  std::string target;
  unsigned deadline_s = 5;
  std::uint32_t request = ProbeOptions{}.requested_protocols;
  bool report = false;
  std::uint64_t incident_id = 0;
};

// The service keeps no copy of the certificate: its thumbprints and dates say enough.
Status tell_service(Context& context, const ProbeArguments& arguments, const v1::ProbeReport& report) {
  auto client = context.connect();
  if (!client) return fail(client.error());
  v1::ReportProbeRequest request;
  *request.mutable_report() = report;
  if (report.has_certificate()) request.mutable_report()->mutable_certificate()->clear_der();
  request.set_incident_id(arguments.incident_id);
  request.set_request_id(make_request_id());
  const auto answer = client->call(&Client::Stub::ReportProbe, request);
  if (!answer) return fail(answer.error());
  context.notes().text(fmt::format("Reported to the service at {}, as {} from {}.", client->address(),
                                   answer->probe().client(), answer->probe().peer()));
  return {};
}

Result<ExitCode> probe_host(Context& context, const ProbeArguments& arguments) {
  const auto target = parse_probe_target(arguments.target);
  if (!target) return fail(target.error());
  ProbeOptions options;
  options.deadline = std::chrono::seconds{arguments.deadline_s};
  options.requested_protocols = arguments.request;
  const auto report = probe_rdp(*target, options, context.stop());
  const auto shown = context.show(report, [&](Page& page) { print_probe(page, report); });
  if (!shown) return fail(shown.error());
  const bool cancelled = report.outcome() == v1::PROBE_OUTCOME_CANCELLED;
  if (arguments.report && !cancelled) {
    if (auto told = tell_service(context, arguments, report); !told) return fail(told.error());
  }
  return report.outcome() == v1::PROBE_OUTCOME_OK ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

void add_probe(CLI::App& app, Run& chosen) {
  auto& command = add_command(
      app, "probe",
      "Connect to an RDP listener as far as TLS. Says how far it came and what that means. Exits with 0 if "
      "TLS was done, with 2 otherwise. Needs no service; with --report the service of that host is told what "
      "was seen from here, the one proof that comes from outside its firewall.",
      {"probe rdp1.example.net", "probe 127.0.0.1:3390 --deadline 2", "probe rdp1 --request 1",
       "probe rdp1 --report --address rdp1", "probe rdp1 --report --incident 42"});
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
  auto* report = command.add_flag("--report", arguments->report,
                                  "Tell the service of --address or of the profile; needs the role operator");
  command.add_option("--incident", arguments->incident_id, "The incident that this is to prove or disprove")
      ->type_name("ID")
      ->check(digits())
      ->needs(report);
  command.callback(
      [arguments, &chosen] { chosen = [arguments](Context& context) { return probe_host(context, *arguments); }; });
}

}  // namespace rdpmend::cli
