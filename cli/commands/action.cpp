#include "cli/commands/action.hpp"

namespace rdpmend::cli {

void add_action_arguments(CLI::App& command, ActionOptions& options) {
  command.add_option("ID", options.incident_id, "The incident's number")->required()->check(digits());
  command.add_option("--comment", options.comment, "Why, for the journal")->type_name("TEXT");
}

}  // namespace rdpmend::cli
