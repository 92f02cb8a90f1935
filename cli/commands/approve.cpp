// rdpmend approve: lets the plan or rung begin that an incident waits with.
#include "cli/commands/action.hpp"

namespace rdpmend::cli {

void add_approve(CLI::App& app, Run& chosen) {
  auto& command = add_command(app, "approve",
                              "Approve what an incident waits with. That is a plan, or its next rung, with steps that "
                              "drop sessions or cannot be undone.",
                              {"approve 42 --plan 42/1 --wait"});
  const auto options = std::make_shared<ActionOptions>();
  const auto plan = std::make_shared<std::string>();
  add_action_arguments(command, *options);
  command.add_option("--plan", *plan, "The plan that you read; refused if it is another one by now")
      ->type_name("PLAN_ID");
  command.add_flag("--wait", options->wait, "Follow it until it ends; exit with 0 only if the host was repaired");
  command.callback([options, plan, &chosen] {
    chosen = [options, plan](Context& context) {
      auto request = make_request<v1::ApproveRequest>(*options);
      request.set_plan_id(*plan);
      return act(context, &Client::Stub::Approve, request, options->wait);
    };
  });
}

}  // namespace rdpmend::cli
