// rdpmend repair, approve, rollback, dismiss: what an administrator orders about one incident, carried out once.
#include <fmt/format.h>

#include "cli/commands/await_outcome.hpp"
#include "cli/commands/command.hpp"
#include "cli/format/incident_view.hpp"

namespace rdpmend::cli {

namespace {

struct Order {
  v1::ActRequest request;  // Whose verb says what is ordered.
  std::uint64_t incident_id = 0;
  bool wait = false;
  v1::RepairEnded::Outcome wanted = v1::RepairEnded::OUTCOME_REPAIRED;  // The one success of waiting.
};

Result<ExitCode> act(Context& context, const Order& order) {
  auto request = order.request;
  request.set_incident_id(order.incident_id);
  request.set_request_id(make_request_id());
  auto client = context.connect();
  if (!client) return fail(client.error());
  if (order.wait) return act_and_await(context, *client, request, order.wanted);
  const auto answer = client->call(&Client::Stub::Act, request);
  if (!answer) return fail(answer.error());
  const auto shown = context.show(*answer, [&](Page& page) {
    page.text("Accepted.");
    print_incident_line(page, answer->incident());
    page.field("follow", fmt::format("rdpmend watch --incident {}", answer->incident().id()), Style::plain, 0);
  });
  if (!shown) return fail(shown.error());
  return ExitCode::ok;
}

// The arguments that every order has.
std::shared_ptr<Order> add_order(CLI::App& command, Run& chosen) {
  const auto order = std::make_shared<Order>();
  command.add_option("ID", order->incident_id, "The incident's number")->required()->check(digits());
  command.add_option("--comment", *order->request.mutable_comment(), "Why, for the journal")->type_name("TEXT");
  command.callback([order, &chosen] { chosen = [order](Context& context) { return act(context, *order); }; });
  return order;
}

void add_wait(CLI::App& command, Order& order, const std::string& success) {
  command.add_flag("--wait", order.wait, "Follow it until it ends; exit with 0 only if " + success);
}

}  // namespace

void add_repair(CLI::App& app, Run& chosen) {
  auto& command = add_command(
      app, "repair",
      "Start the repair of an open incident. Steps that drop sessions or cannot be undone still wait for approval.",
      {"repair 42 --wait", "repair 42 --comment \"ticket 1234\""});
  const auto order = add_order(command, chosen);
  order->request.mutable_repair();
  add_wait(command, *order, "the host was repaired");
}

void add_approve(CLI::App& app, Run& chosen) {
  auto& command = add_command(app, "approve",
                              "Approve what an incident waits with. That is a plan, or its next rung, with steps that "
                              "drop sessions or cannot be undone.",
                              {"approve 42 --plan 42/1 --wait"});
  const auto order = add_order(command, chosen);
  command
      .add_option("--plan", *order->request.mutable_approve()->mutable_plan_id(),
                  "The plan that you read; refused if it is another one by now")
      ->type_name("PLAN_ID");
  add_wait(command, *order, "the host was repaired");
}

void add_rollback(CLI::App& app, Run& chosen) {
  auto& command = add_command(app, "rollback",
                              "Undo what the repair of an incident has written. What cannot be undone, or was changed "
                              "by somebody else since, is left and named.",
                              {"rollback 42 --wait --comment \"wrong certificate\""});
  const auto order = add_order(command, chosen);
  order->request.mutable_rollback();
  order->wanted = v1::RepairEnded::OUTCOME_ROLLED_BACK;
  add_wait(command, *order, "all was undone");
}

void add_dismiss(CLI::App& app, Run& chosen) {
  auto& command = add_command(app, "dismiss", "Close an incident without a repair",
                              {"dismiss 42 --comment \"known, waiting for the CA\""});
  add_order(command, chosen)->request.mutable_dismiss();
}

}  // namespace rdpmend::cli
