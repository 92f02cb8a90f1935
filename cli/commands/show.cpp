// rdpmend show: one incident with its evidence and its repair.
#include "cli/commands/command.hpp"
#include "cli/format/incident_view.hpp"

namespace rdpmend::cli {

namespace {

Result<ExitCode> show_incident(Context& context, std::uint64_t id) {
  auto client = context.connect();
  if (!client) return fail(client.error());
  v1::GetIncidentRequest request;
  request.set_id(id);
  const auto answer = client->call(&Client::Stub::GetIncident, request);
  if (!answer) return fail(answer.error());
  const auto shown = context.show(*answer, [&](Page& page) { print_incident(page, answer->incident()); });
  if (!shown) return fail(shown.error());
  return ExitCode::ok;
}

}  // namespace

void add_show(CLI::App& app, Run& chosen) {
  auto& command = add_command(app, "show", "One incident with its evidence, plan, steps and verification", {"show 42"});
  const auto id = std::make_shared<std::uint64_t>(0);
  command.add_option("ID", *id, "The incident's number")->required()->check(digits());
  command.callback([id, &chosen] { chosen = [id](Context& context) { return show_incident(context, *id); }; });
}

}  // namespace rdpmend::cli
