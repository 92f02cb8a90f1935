// rdpmend relax, return, loans: what is changed on the host for a time only.
#include <fmt/format.h>

#include <charconv>
#include <cstdint>

#include "cli/commands/command.hpp"
#include "cli/format/loan_view.hpp"
#include "cli/format/words.hpp"

namespace rdpmend::cli {

namespace {

// "30m", "1h". Which of them are too short or too long the service says.
std::optional<std::chrono::minutes> parse_duration(const std::string& text) {
  std::uint32_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || end - unit != 1 || number > 100'000) return std::nullopt;
  if (*unit == 'm') return std::chrono::minutes{number};
  if (*unit == 'h') return std::chrono::hours{number};
  return std::nullopt;
}

CLI::Validator duration() {
  const auto check = [](const std::string& text) -> std::string {
    return parse_duration(text) ? "" : text + " is not a duration such as 30m or 1h";
  };
  return CLI::Validator(check, "");
}

void add_kind(CLI::App& command, v1::Loan::Kind& kind) {
  const std::map<std::string, v1::Loan::Kind> kinds{{to_string(v1::Loan::KIND_NLA), v1::Loan::KIND_NLA}};
  command.add_option("WHAT", kind, "nla: that clients must sign in before they get a session")
      ->required()
      ->transform(CLI::CheckedTransformer(kinds).description(""))
      ->type_name("");
}

struct Relaxation {
  v1::Loan::Kind kind = v1::Loan::KIND_UNSPECIFIED;
  std::string duration;
  std::string reason;
};

Result<ExitCode> relax(Context& context, const Relaxation& order) {
  auto client = context.connect();
  if (!client) return fail(client.error());
  v1::LendRequest request;
  request.set_kind(order.kind);
  *request.mutable_duration() = to_proto_duration(*parse_duration(order.duration));
  request.set_reason(order.reason);
  request.set_request_id(make_request_id());
  const auto answer = client->call(&Client::Stub::Lend, request);
  if (!answer) return fail(answer.error());
  const auto shown = context.show(*answer, [&](Page& page) {
    const auto& loan = answer->loan();
    page.hang({{to_string(loan.kind()) + " is relaxed: ", Style::warn}}, loan.step().description());
    page.field("put back", "at " + date_time(loan.ends()), Style::plain, 0);
    page.field("sooner", fmt::format("rdpmend return {}", to_string(loan.kind())), Style::plain, 0);
  });
  if (!shown) return fail(shown.error());
  return ExitCode::ok;
}

Result<ExitCode> give_back(Context& context, v1::Loan::Kind kind, const std::string& comment) {
  auto client = context.connect();
  if (!client) return fail(client.error());
  v1::GiveBackRequest request;
  request.set_kind(kind);
  request.set_comment(comment);
  request.set_request_id(make_request_id());
  const auto answer = client->call(&Client::Stub::GiveBack, request);
  if (!answer) return fail(answer.error());
  const auto shown = context.show(*answer, [&](Page& page) { page.text("Put back: the host is as it was before."); });
  if (!shown) return fail(shown.error());
  return ExitCode::ok;
}

Result<ExitCode> list_loans(Context& context) {
  auto client = context.connect();
  if (!client) return fail(client.error());
  const auto status = client->call(&Client::Stub::GetStatus, v1::GetStatusRequest{});
  if (!status) return fail(status.error());
  v1::GetStatusResponse only;
  *only.mutable_now() = status->now();
  *only.mutable_loans() = status->loans();
  const auto shown = context.show(only, [&](Page& page) { print_loans(page, only.loans(), only.now()); });
  if (!shown) return fail(shown.error());
  return ExitCode::ok;
}

}  // namespace

void add_relax(CLI::App& app, Run& chosen) {
  auto& command = add_command(app, "relax",
                              "Relax the host's protection for a time, at most 8 hours. It is put back by itself, also "
                              "after a crash or a restart. Given again, it ends that much from now.",
                              {"relax nla --for 1h --reason \"old terminal, ticket 1234\""});
  const auto order = std::make_shared<Relaxation>();
  add_kind(command, order->kind);
  command.add_option("--for", order->duration, "How long from now: 30m, 1h")
      ->required()
      ->type_name("TIME")
      ->check(duration());
  command.add_option("--reason", order->reason, "Why: everybody who looks at the host reads it")
      ->required()
      ->type_name("TEXT");
  command.callback([order, &chosen] { chosen = [order](Context& context) { return relax(context, *order); }; });
}

void add_return(CLI::App& app, Run& chosen) {
  auto& command = add_command(app, "return", "Put back now what is relaxed", {"return nla"});
  const auto kind = std::make_shared<v1::Loan::Kind>();
  const auto comment = std::make_shared<std::string>();
  add_kind(command, *kind);
  command.add_option("--comment", *comment, "Why, for the journal")->type_name("TEXT");
  command.callback([kind, comment, &chosen] {
    chosen = [kind, comment](Context& context) { return give_back(context, *kind, *comment); };
  });
}

void add_loans(CLI::App& app, Run& chosen) {
  auto& command =
      add_command(app, "loans", "What is relaxed on the host for a time, by whom, why and until when", {"loans"});
  command.callback([&chosen] { chosen = list_loans; });
}

}  // namespace rdpmend::cli
