// rdpmend dismiss: closes an incident without a repair.
#include "cli/commands/action.hpp"

namespace rdpmend::cli {

void add_dismiss(CLI::App& app, Run& chosen) {
  auto& command = add_command(app, "dismiss", "Close an incident without a repair",
                              {"dismiss 42 --comment \"known, waiting for the CA\""});
  const auto options = std::make_shared<ActionOptions>();
  add_action_arguments(command, *options);
  command.callback([options, &chosen] {
    chosen = [options](Context& context) {
      return act(context, &Client::Stub::Dismiss, make_request<v1::DismissRequest>(*options), false);
    };
  });
}

}  // namespace rdpmend::cli
