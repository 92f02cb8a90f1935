// rdpmend diagnose: reads the host now and says what was looked at, and what is wrong.
#include <algorithm>

#include "cli/commands/command.hpp"
#include "cli/format/evidence_view.hpp"

namespace rdpmend::cli {

namespace {

bool is_unknown(const v1::Finding& finding) {
  return finding.outcome() == v1::Finding::OUTCOME_UNKNOWN;
}

Result<ExitCode> diagnose_faults(Context& context, const std::vector<std::string>& faults) {
  auto client = context.connect();
  if (!client) return fail(client.error());
  v1::DiagnoseRequest request;
  request.mutable_fault_ids()->Assign(faults.begin(), faults.end());
  const auto diagnosis = client->call(&Client::Stub::Diagnose, request);
  if (!diagnosis) return fail(diagnosis.error());
  const auto shown = context.show(*diagnosis, [&](Page& page) { print_findings(page, *diagnosis); });
  if (!shown) return fail(shown.error());
  const auto& findings = diagnosis->findings();
  return std::any_of(findings.begin(), findings.end(), is_unknown) ? ExitCode::failed : ExitCode::ok;
}

}  // namespace

void add_diagnose(CLI::App& app, Run& chosen) {
  auto& command = add_command(
      app, "diagnose",
      "Read the host now and say what is wrong. Changes nothing. Exits with 2 if something could not be read.",
      {"diagnose", "diagnose certificate_expired"});
  const auto faults = std::make_shared<std::vector<std::string>>();
  command.add_option("FAULT", *faults, "Look for these only (see rdpmend faults)");
  command.callback(
      [faults, &chosen] { chosen = [faults](Context& context) { return diagnose_faults(context, *faults); }; });
}

}  // namespace rdpmend::cli
