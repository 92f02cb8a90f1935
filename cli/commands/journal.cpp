// rdpmend journal: what happened, and whether the record of it is intact.
#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/record/journal_chain.hpp"
#include "cli/commands/command.hpp"
#include "cli/format/entry_line.hpp"

namespace rdpmend::cli {

namespace {

constexpr std::uint64_t k_records_per_page = 500;

struct JournalOptions {
  std::optional<std::uint64_t> after;
  std::uint64_t incident_id = 0;
  std::uint64_t limit = 100;  // 0: all.
  bool verify = false;
};

// Without a wish: the newest entries of the whole journal, or one incident from its beginning.
Result<std::uint64_t> find_start(Client& client, const JournalOptions& options) {
  if (options.after) return *options.after;
  if (options.incident_id != 0 || options.limit == 0) return 0;
  const auto status = client.call(&Client::Stub::GetStatus, v1::GetStatusRequest{});
  if (!status) return fail(status.error());
  return status->journal_last_seq() - std::min(status->journal_last_seq(), options.limit);
}

Status print_page(Context& context, EntryNarrator& narrator, const v1::ReadJournalResponse& page) {
  for (const auto& stored : page.entries()) {
    const auto entry = read_entry(stored);
    if (!entry) return fail(entry.error());
    if (auto shown = context.show_one(*entry, [&](Page& out) { narrator.print(out, *entry); }); !shown) return shown;
  }
  return {};
}

// Pages until the limit; the first one brings the verdict about the hash chain.
Result<std::string> print_all(Context& context, Client& client, const JournalOptions& options, std::uint64_t start) {
  v1::ReadJournalRequest request;
  request.set_after_seq(start);
  request.set_incident_id(options.incident_id);
  request.set_verify(options.verify);
  auto left = options.limit == 0 ? UINT64_MAX : options.limit;
  EntryNarrator narrator;
  std::string chain_error;
  while (true) {
    request.set_page_size(static_cast<std::uint32_t>(std::min(left, k_records_per_page)));
    const auto page = client.call(&Client::Stub::ReadJournal, request);
    if (!page) return fail(page.error());
    if (request.verify()) chain_error = page->chain_error();
    if (auto shown = print_page(context, narrator, *page); !shown) return fail(shown.error());
    left -= std::min(left, static_cast<std::uint64_t>(page->entries_size()));
    if (page->next_after_seq() <= request.after_seq() || left == 0) return chain_error;
    request.set_after_seq(page->next_after_seq());
    request.set_verify(false);
  }
}

Result<ExitCode> read_journal(Context& context, const JournalOptions& options) {
  auto client = context.connect();
  if (!client) return fail(client.error());
  const auto start = find_start(*client, options);
  if (!start) return fail(start.error());
  const auto chain_error = print_all(context, *client, options, *start);
  if (!chain_error) return fail(chain_error.error());
  if (!chain_error->empty()) {
    return fail(ErrorCode::corrupt, "the journal was changed or damaged: " + *chain_error,
                "Keep a copy of the journal file, and look for who or what wrote to it");
  }
  if (options.verify) context.notes().text("The hash chain of the whole journal holds.");
  return ExitCode::ok;
}

}  // namespace

void add_journal(CLI::App& app, Run& chosen) {
  auto& command = add_command(
      app, "journal",
      "What happened. Without --after, the newest entries; with --incident, that incident from its beginning.",
      {"journal", "journal --incident 42", "journal --after 0 --limit 0 --format json", "journal --verify --limit 1"});
  const auto options = std::make_shared<JournalOptions>();
  command.add_option("--after", options->after, "Begin behind this entry")->type_name("SEQ")->check(digits());
  command.add_option("--incident", options->incident_id, "Only what is about this incident")
      ->type_name("ID")
      ->check(digits());
  command.add_option("--limit", options->limit, "At most so many entries; 0: no limit")
      ->type_name("N")
      ->check(digits())
      ->capture_default_str();
  command.add_flag("--verify", options->verify,
                   "Also check the hash chain of the whole journal; exit with 2 if it is broken");
  command.callback(
      [options, &chosen] { chosen = [options](Context& context) { return read_journal(context, *options); }; });
}

}  // namespace rdpmend::cli
