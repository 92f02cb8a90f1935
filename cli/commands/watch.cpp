// rdpmend watch: the journal as it grows.
#include <fmt/format.h>

#include "agent-lib/record/fold.hpp"
#include "agent-lib/record/words.hpp"
#include "cli/commands/command.hpp"
#include "cli/format/entry_line.hpp"
#include "cli/format/incident_view.hpp"
#include "cli/session/follow.hpp"

namespace rdpmend::cli {

namespace {

struct WatchOptions {
  std::optional<std::uint64_t> after;
  bool from_start = false;
  std::uint64_t incident_id = 0;
};

class Watcher {
 public:
  Watcher(Context& context, std::uint64_t incident_id) : context_(context), incident_id_(incident_id) {}

  bool take(const v1::WatchResponse& response) {
    if (context_.json()) {
      shown_ = context_.show_one(response, {});
    } else {
      print(response);
      shown_ = context_.written();
    }
    if (response.has_entry() && response.entry().incident_id() == incident_id_)
      incident_ = folded(std::move(incident_), response.entry());
    if (response.what_case() == v1::WatchResponse::kCaughtUpSeq) live_ = true;
    // An incident may have been closed and opened again: only where its story has reached the present does it end.
    return shown_.has_value() && !(incident_id_ != 0 && live_ && is_closed(incident_.state()));
  }

  v1::IncidentState state() const { return incident_.state(); }
  const Status& shown() const { return shown_; }

 private:
  void print(const v1::WatchResponse& response) {
    if (response.has_entry()) {
      narrator_.print(context_.out(), response.entry());
    } else if (response.has_pruned()) {
      context_.notes().text(fmt::format("entries #{} to #{} are no longer kept", response.pruned().first_seq(),
                                        response.pruned().last_seq()));
    } else if (!live_ && incident_id_ == 0) {
      context_.notes().text(fmt::format("live from #{} on; Ctrl-C ends", response.caught_up_seq()));
    }
  }

  Context& context_;
  std::uint64_t incident_id_;
  EntryNarrator narrator_;
  v1::Incident incident_;  // As far as its story was told; with --after, not from its beginning.
  bool live_ = false;
  Status shown_;
};

// Also the first, quick call: whatever is wrong with address or certificate is said here. One incident is told from its
// beginning; of the whole journal what happens from now on.
Result<std::uint64_t> find_start(Client& client, const WatchOptions& options) {
  if (options.incident_id != 0) {
    v1::GetIncidentRequest request;
    request.set_id(options.incident_id);
    const auto answer = client.call(&Client::Stub::GetIncident, request);
    if (!answer) return fail(answer.error());
    return options.after.value_or(0);
  }
  const auto status = client.call(&Client::Stub::GetStatus, v1::GetStatusRequest{});
  if (!status) return fail(status.error());
  return options.from_start ? 0 : options.after.value_or(status->journal_last_seq());
}

Result<ExitCode> watch_service(Context& context, const WatchOptions& options) {
  auto client = context.connect();
  if (!client) return fail(client.error());
  const auto start = find_start(*client, options);
  if (!start) return fail(start.error());

  Watcher watcher(context, options.incident_id);
  FollowOptions what;
  what.after_seq = *start;
  what.incident_id = options.incident_id;
  const auto followed = follow(*client, what,
                               {[&](const v1::WatchResponse& response) { return watcher.take(response); },
                                [&](const std::string& notice) { context.notes().text(notice); }});
  if (!watcher.shown()) return fail(watcher.shown().error());
  if (!followed) return fail(followed.error());
  return watcher.state() == v1::INCIDENT_STATE_DISMISSED ? ExitCode::failed : ExitCode::ok;
}

}  // namespace

void add_watch(CLI::App& app, Run& chosen) {
  auto& command =
      add_command(app, "watch",
                  "The journal as it grows. Goes on after a lost connection; Ctrl-C ends it with 0. With --incident it "
                  "ends when that incident is closed: with 0 if the host is healthy, with 2 if it was dismissed.",
                  {"watch", "watch --incident 42", "watch --from-start --format json | jq ."});
  const auto options = std::make_shared<WatchOptions>();
  auto* after = command.add_option("--since,--after", options->after, "Begin behind this entry")
                    ->type_name("SEQ")
                    ->check(digits());
  command.add_flag("--from-start", options->from_start, "Begin with the oldest entry")->excludes(after);
  command.add_option("--incident", options->incident_id, "Only what is about this incident, from its beginning")
      ->type_name("ID")
      ->check(digits());
  command.callback(
      [options, &chosen] { chosen = [options](Context& context) { return watch_service(context, *options); }; });
}

}  // namespace rdpmend::cli
