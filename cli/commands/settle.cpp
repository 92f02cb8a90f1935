#include "cli/commands/settle.hpp"

#include <fmt/format.h>

#include "cli/follow.hpp"
#include "cli/format/entry_line.hpp"
#include "cli/format/incident_view.hpp"
#include "cli/format/plan_view.hpp"

namespace rdpmend::cli {

namespace {

constexpr std::chrono::minutes k_longest_wait{30};

bool is_settled(v1::IncidentState state) {
  return state != v1::INCIDENT_STATE_OPEN && state != v1::INCIDENT_STATE_REPAIRING;
}

Result<v1::Incident> read_incident(Client& client, std::uint64_t id) {
  v1::GetIncidentRequest request;
  request.set_id(id);
  auto answer = client.call(&Client::Stub::GetIncident, request);
  if (!answer) return fail(answer.error());
  return std::move(*answer->mutable_incident());
}

// The state as far as the entries that were read tell it; `answered` is the incident as the command left it.
class Progress {
 public:
  Progress(Context& context, const v1::Incident& answered) : context_(context), answered_(answered) {
    state_ = answered.state();
  }

  bool take(const v1::WatchResponse& response) {
    if (response.has_entry()) {
      const auto& entry = response.entry();
      shown_ = context_.show_one(entry, [&](Page& page) { narrator_.print(page, entry); });
      if (!shown_) return false;
      if (entry.has_incident_state_changed() && entry.seq() > answered_.last_seq()) {
        state_ = entry.incident_state_changed().to();
      }
      return !(entry.has_incident_state_changed() && entry.seq() >= answered_.last_seq() && is_settled(state_));
    }
    // Everything up to the command has been shown: perhaps there is nothing to wait for.
    return !(response.what_case() == v1::WatchResponse::kCaughtUpSeq && is_settled(state_));
  }

  const Status& shown() const { return shown_; }

 private:
  Context& context_;
  const v1::Incident& answered_;
  v1::IncidentState state_;
  EntryNarrator narrator_;
  Status shown_;
};

// Which steps wait, so that whoever approves knows what for.
void print_waiting_steps(Page& page, const v1::Repair& repair) {
  for (const auto& rung : repair.plan().rungs()) {
    for (const auto& step : rung.steps()) {
      if (asks_first(step).empty()) continue;
      page.hang({{fmt::format("  step {}  ", step.number())}},
                fmt::format("{} ({})", step.description(), asks_first(step)));
    }
  }
}

void print_end(Page& page, const v1::Incident& incident) {
  page.blank();
  print_incident_line(page, incident);
  if (incident.state() == v1::INCIDENT_STATE_AWAITING_APPROVAL) print_waiting_steps(page, incident.repair());
  page.field("next", next_step(incident), Style::plain, 0);
}

}  // namespace

Result<ExitCode> act_and_wait(Context& context, Client& client, std::uint64_t incident_id,
                              const std::function<Result<v1::ActionResponse>()>& command) {
  const auto before = read_incident(client, incident_id);
  if (!before) return fail(before.error());
  const auto answer = command();
  if (!answer) return fail(answer.error());

  Progress progress(context, answer->incident());
  FollowOptions options;
  options.after_seq = before->last_seq();
  options.incident_id = incident_id;
  options.give_up_at = std::chrono::steady_clock::now() + k_longest_wait;
  const auto followed = follow(client, options,
                               {[&](const v1::WatchResponse& response) { return progress.take(response); },
                                [&](const std::string& what) { context.notes().text(what); }});
  if (!progress.shown()) return fail(progress.shown().error());
  if (!followed) {
    auto error = followed.error();
    error.hint =
        fmt::format("The repair goes on without you; follow it with: rdpmend watch --incident {}", incident_id);
    return fail(std::move(error));
  }
  if (client.stop().stop_requested()) return fail(ErrorCode::cancelled, "interrupted; the repair goes on without you");

  const auto after = read_incident(client, incident_id);
  if (!after) return fail(after.error());
  if (!context.json()) print_end(context.out(), *after);
  return after->state() == v1::INCIDENT_STATE_REPAIRED ? ExitCode::ok : ExitCode::failed;
}

}  // namespace rdpmend::cli
