// rdpmend repair: starts the repair of an open incident.
#include "cli/commands/action.hpp"

namespace rdpmend::cli {

void add_repair(CLI::App& app, Run& chosen) {
  auto& command = add_command(
      app, "repair",
      "Start the repair of an open incident. Steps that drop sessions or cannot be undone still wait for approval.",
      {"repair 42 --wait", "repair 42 --comment \"ticket 1234\""});
  const auto options = std::make_shared<ActionOptions>();
  add_action_arguments(command, *options);
  command.add_flag("--wait", options->wait, "Follow it until it ends; exit with 0 only if the host was repaired");
  command.callback([options, &chosen] {
    chosen = [options](Context& context) {
      return act(context, &Client::Stub::Repair, make_request<v1::RepairRequest>(*options), options->wait);
    };
  });
}

}  // namespace rdpmend::cli
