// rdpmend explain: what a client's disconnect code says and does not say, and what a reachable host says about itself.
#include <fmt/format.h>

#include <filesystem>

#include "agent-lib/knowledge/disconnect_codes.hpp"
#include "cli/commands/command.hpp"
#include "cli/format/evidence_view.hpp"
#include "cli/format/explanation_view.hpp"

namespace rdpmend::cli {

namespace {

constexpr std::chrono::seconds k_short_call{2};

struct Codes {
  std::string code;
  std::string extended;
};

// Asked for by the way: whoever only wants the meaning of a number does not wait for a host.
Result<v1::DiagnoseResponse> ask_host(const Context& context) {
  auto client = context.connect(k_short_call);
  if (!client) return fail(client.error());
  return client->call(&Client::Stub::Diagnose, v1::DiagnoseRequest{});
}

void print_host(Page& page, const Result<v1::DiagnoseResponse>& host) {
  if (!host) {
    page.blank();
    page.text("No service was asked (" + host.error().what + "). On the host itself: rdpmend diagnose", 0, Style::dim);
    return;
  }
  page.heading("This host's diagnosis now");
  print_findings(page, *host);
}

Result<ExitCode> explain_codes(Context& context, const Codes& codes) {
  const auto explanation = explain_text(codes.code, codes.extended);
  if (!explanation) return fail(explanation.error());
  const auto shown = context.show(*explanation, [&](Page& page) {
    print_explanation(page, *explanation);
    print_host(page, ask_host(context));
  });
  if (!shown) return fail(shown.error());
  return ExitCode::ok;
}

}  // namespace

void add_explain(CLI::App& app, Run& chosen) {
  auto& command =
      add_command(app, "explain",
                  "What a disconnect code of a client, or a status number of an event, says and does not "
                  "say. If a service is reachable, also what its host's diagnosis says now.",
                  {"explain 0x904 0x7", "explain 516", "explain 0xC000015B", "explain -2146893043", "explain %%1326"});
  const auto codes = std::make_shared<Codes>();
  command
      .add_option("CODE", codes->code,
                  "The error code that the client shows, or a number of an event: 0x..., decimal or %%...")
      ->required();
  command.add_option("EXTENDED", codes->extended, "The extended error code");
  command.callback([codes, &chosen] { chosen = [codes](Context& context) { return explain_codes(context, *codes); }; });
}

}  // namespace rdpmend::cli
