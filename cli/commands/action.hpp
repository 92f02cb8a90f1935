// What repair, approve, rollback and dismiss share: a command about one incident, carried out once.
#pragma once

#include <fmt/format.h>

#include <array>
#include <random>
#include <string>

#include "cli/commands/command.hpp"
#include "cli/commands/settle.hpp"
#include "cli/format/incident_view.hpp"

namespace rdpmend::cli {

struct ActionOptions {
  std::uint64_t incident_id = 0;
  std::string comment;
  bool wait = false;
};

// Chosen anew for each command: the service carries out one and the same id once.
inline std::string make_request_id() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) id += fmt::format("{:08x}", random());
  return id;
}

template <class Request>
Request make_request(const ActionOptions& options) {
  Request request;
  request.set_incident_id(options.incident_id);
  request.set_request_id(make_request_id());
  request.set_comment(options.comment);
  return request;
}

// Sends the command and shows the incident; with `wait`, follows it until it settles, which is a success with one
// outcome.
template <class Request>
Result<ExitCode> act(Context& context, Client::Method<Request, v1::ActionResponse> method, const Request& request,
                     bool wait, v1::RepairEnded::Outcome wanted = v1::RepairEnded::OUTCOME_REPAIRED) {
  auto client = context.connect();
  if (!client) return fail(client.error());
  const auto send = [&] { return client->call(method, request); };
  if (wait) return act_and_wait(context, *client, {request.incident_id(), request.request_id(), wanted, send});
  const auto answer = send();
  if (!answer) return fail(answer.error());
  const auto shown = context.show(*answer, [&](Page& page) {
    page.text("Accepted.");
    print_incident_line(page, answer->incident());
    page.field("follow", fmt::format("rdpmend watch --incident {}", answer->incident().id()), Style::plain, 0);
  });
  if (!shown) return fail(shown.error());
  return ExitCode::ok;
}

// The arguments that all four have.
void add_action_arguments(CLI::App& command, ActionOptions& options);

}  // namespace rdpmend::cli
