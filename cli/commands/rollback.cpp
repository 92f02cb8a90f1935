// rdpmend rollback: undoes what an incident's repair has written.
#include "cli/commands/action.hpp"

namespace rdpmend::cli {

void add_rollback(CLI::App& app, Run& chosen) {
  auto& command = add_command(app, "rollback",
                              "Undo what the repair of an incident has written. What cannot be undone, or was changed "
                              "by somebody else since, is left and named.",
                              {"rollback 42 --wait --comment \"wrong certificate\""});
  const auto options = std::make_shared<ActionOptions>();
  add_action_arguments(command, *options);
  command.add_flag("--wait", options->wait, "Follow it until it ends; exit with 0 only if all was undone");
  command.callback([options, &chosen] {
    chosen = [options](Context& context) {
      return act(context, &Client::Stub::Rollback, make_request<v1::RollbackRequest>(*options), options->wait,
                 v1::RepairEnded::OUTCOME_ROLLED_BACK);
    };
  });
}

}  // namespace rdpmend::cli
