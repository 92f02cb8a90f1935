// rdpmend incidents: the list, newest first.
#include "cli/commands/command.hpp"
#include "cli/format/incident_view.hpp"

namespace rdpmend::cli {

namespace {

constexpr std::uint32_t k_incidents_per_page = 200;
constexpr int k_most_pages = 500;  // A service that never stops paging is broken.

// All pages as one answer.
Result<v1::ListIncidentsResponse> list_all(Client& client, bool include_closed) {
  v1::ListIncidentsRequest request;
  request.set_include_closed(include_closed);
  request.set_page_size(k_incidents_per_page);
  v1::ListIncidentsResponse all;
  for (int page = 0; page < k_most_pages; ++page) {
    const auto answer = client.call(&Client::Stub::ListIncidents, request);
    if (!answer) return fail(answer.error());
    all.mutable_incidents()->MergeFrom(answer->incidents());
    request.set_page_token(answer->next_page_token());
    if (answer->next_page_token().empty()) return all;
  }
  return fail(ErrorCode::exhausted, "the service has more incidents than this program lists");
}

void print(Page& page, const v1::ListIncidentsResponse& list, bool all) {
  if (list.incidents().empty()) {
    page.text(all ? "No incidents." : "No open incidents. Closed ones: rdpmend incidents --all");
  } else {
    print_incidents(page, list.incidents());
  }
}

Result<ExitCode> list_incidents(Context& context, bool all) {
  auto client = context.connect();
  if (!client) return fail(client.error());
  const auto list = list_all(*client, all);
  if (!list) return fail(list.error());
  const auto shown = context.show(*list, [&](Page& page) { print(page, *list, all); });
  if (!shown) return fail(shown.error());
  return ExitCode::ok;
}

}  // namespace

void add_incidents(CLI::App& app, Run& chosen) {
  auto& command =
      add_command(app, "incidents", "The open incidents, newest first", {"incidents", "incidents --all --format json"});
  const auto all = std::make_shared<bool>(false);
  command.add_flag("--all", *all, "Closed ones too");
  command.callback([all, &chosen] { chosen = [all](Context& context) { return list_incidents(context, *all); }; });
}

}  // namespace rdpmend::cli
