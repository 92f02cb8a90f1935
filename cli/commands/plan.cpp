// rdpmend plan: what a repair would write now. Writes nothing.
#include "cli/commands/command.hpp"
#include "cli/format/evidence_view.hpp"
#include "cli/format/plan_view.hpp"

namespace rdpmend::cli {

namespace {

void print(Page& page, const v1::PlanRepairResponse& response, const std::string& fault) {
  if (response.dry_runs().empty()) {
    page.text(fault + " is not present on this host: there is nothing to repair.");
    return;
  }
  for (const auto& dry_run : response.dry_runs()) {
    if (&dry_run != &response.dry_runs(0)) page.blank();
    const auto& diagnosis = dry_run.diagnosis();
    page.hang({{name_of(diagnosis) + "  ", Style::bold}}, diagnosis.summary());
    print_evidence(page, diagnosis.evidence());
    page.field("advice", diagnosis.advice());
    page.blank();
    print_plan(page, dry_run.plan());
  }
  page.blank();
  page.text("This was a dry run: nothing has been written.", 0, Style::dim);
}

Result<ExitCode> show_plan(Context& context, const std::string& fault) {
  auto client = context.connect();
  if (!client) return fail(client.error());
  v1::PlanRepairRequest request;
  request.set_fault_id(fault);
  const auto answer = client->call(&Client::Stub::PlanRepair, request);
  if (!answer) return fail(answer.error());
  const auto shown = context.show(*answer, [&](Page& page) { print(page, *answer, fault); });
  if (!shown) return fail(shown.error());
  return ExitCode::ok;
}

}  // namespace

void add_plan(CLI::App& app, Run& chosen) {
  auto& command = add_command(
      app, "plan",
      "What a repair of a fault would write now. A dry run: every write with its reason, and nothing is written.",
      {"plan certificate_expired"});
  const auto fault = std::make_shared<std::string>();
  command.add_option("FAULT", *fault, "The fault's id (see rdpmend faults)")->required();
  command.callback([fault, &chosen] { chosen = [fault](Context& context) { return show_plan(context, *fault); }; });
}

}  // namespace rdpmend::cli
