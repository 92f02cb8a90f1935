// rdpmend faults: the catalogue, as the service has it in force.
#include <fmt/format.h>

#include <algorithm>

#include "cli/commands/command.hpp"
#include "cli/format/table.hpp"
#include "cli/format/words.hpp"

namespace rdpmend::cli {

namespace {

using Entry = v1::ListFaultsResponse::Entry;

void print_list(Page& page, const v1::ListFaultsResponse& catalogue) {
  Table table({"FAULT", "MODE", "STAGE", "REPAIR", "WHAT IT IS"});
  for (const auto& entry : catalogue.faults()) {
    table.add({entry.info().id(), word(entry.mode()), word(entry.info().stage()), word(entry.info().risk()),
               entry.info().title()});
  }
  table.print(page);
}

void print_rule(Page& page, const v1::Rule& rule) {
  page.hang({{"  - ", Style::dim}, {rule.id()}}, "");
  page.text(rule.why(), 4);
  page.field("events",
             fmt::format("{} of {} in {}", fmt::join(rule.event_ids(), ", "), rule.provider(), rule.channel()),
             Style::dim, 4);
}

void print_one(Page& page, const Entry& entry) {
  const auto& info = entry.info();
  page.hang({{info.id() + "  ", Style::bold}}, info.title());
  page.blank();
  page.text(info.description(), 2);
  page.blank();
  page.field("mode", entry.mode() == info.default_mode()
                         ? word(entry.mode())
                         : fmt::format("{} (its default is {})", word(entry.mode()), word(info.default_mode())));
  page.field("stage", word(info.stage()));
  page.field("repair", word(info.risk()));
  page.field("masked by", fmt::format("{}", fmt::join(info.masked_by(), ", ")));
  if (!entry.rules().empty()) page.heading("Events that point to it");
  for (const auto& rule : entry.rules()) print_rule(page, rule);
}

Result<ExitCode> show_faults(Context& context, const std::string& fault) {
  auto client = context.connect();
  if (!client) return fail(client.error());
  auto catalogue = client->call(&Client::Stub::ListFaults, v1::ListFaultsRequest{});
  if (!catalogue) return fail(catalogue.error());
  if (!fault.empty()) {
    auto& entries = *catalogue->mutable_faults();
    entries.erase(
        std::remove_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.info().id() != fault; }),
        entries.end());
    if (entries.empty()) {
      return fail(ErrorCode::not_found, "the service knows no fault " + fault, "See rdpmend faults for those it knows");
    }
  }
  const auto shown = context.show(*catalogue, [&](Page& page) {
    fault.empty() ? print_list(page, *catalogue) : print_one(page, catalogue->faults(0));
  });
  if (!shown) return fail(shown.error());
  return ExitCode::ok;
}

}  // namespace

void add_faults(CLI::App& app, Run& chosen) {
  auto& command = add_command(app, "faults", "The faults that the service knows, and what it may do about each",
                              {"faults", "faults certificate_expired"});
  const auto fault = std::make_shared<std::string>();
  command.add_option("FAULT", *fault, "Only this one, with the events that point to it");
  command.callback([fault, &chosen] { chosen = [fault](Context& context) { return show_faults(context, *fault); }; });
}

}  // namespace rdpmend::cli
