#include "cli/commands/await_outcome.hpp"

#include <fmt/format.h>

#include "agent-lib/record/fold.hpp"
#include "cli/format/entry_line.hpp"
#include "cli/format/incident_view.hpp"
#include "cli/format/plan_view.hpp"
#include "cli/session/follow.hpp"

namespace rdpmend::cli {

namespace {

constexpr std::chrono::minutes k_longest_wait{30};

Result<v1::Incident> read_incident(Client& client, std::uint64_t id) {
  v1::GetIncidentRequest request;
  request.set_id(id);
  auto answer = client.call(&Client::Stub::GetIncident, request);
  if (!answer) return fail(answer.error());
  return std::move(*answer->mutable_incident());
}

// What the command led to: the first state behind it in the journal that is not on the way to another. The incident is
// folded from the entries themselves: the service's own view of it may be a moment behind them.
class Progress {
 public:
  Progress(Context& context, const std::string& request_id, v1::Incident before)
      : context_(context), request_id_(request_id), incident_(std::move(before)) {}

  bool take(const v1::WatchResponse& response) {
    if (!response.has_entry()) return true;
    const auto& entry = response.entry();
    shown_ = context_.show_one(entry, [&](Page& page) { narrator_.print(page, entry); });
    if (entry.has_admin_action() && entry.admin_action().request_id() == request_id_) begun_ = true;
    if (begun_ && entry.has_repair_ended()) outcome_ = entry.repair_ended().outcome();
    incident_ = folded(std::move(incident_), entry);
    if (entry.has_incident_state_changed()) ended_ = begun_ && incident_.state() != v1::INCIDENT_STATE_REPAIRING;
    return shown_.has_value() && !ended_;
  }

  const Status& shown() const { return shown_; }
  bool ended() const { return ended_; }
  const v1::Incident& incident() const { return incident_; }
  v1::RepairEnded::Outcome outcome() const { return outcome_; }

 private:
  Context& context_;
  std::string request_id_;
  v1::Incident incident_;
  EntryNarrator narrator_;
  v1::RepairEnded::Outcome outcome_ = v1::RepairEnded::OUTCOME_UNSPECIFIED;
  bool begun_ = false;
  bool ended_ = false;
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

Result<ExitCode> act_and_await(Context& context, Client& client, const v1::ActRequest& request,
                               v1::RepairEnded::Outcome wanted) {
  const auto before = read_incident(client, request.incident_id());
  if (!before) return fail(before.error());
  if (const auto accepted = client.call(&Client::Stub::Act, request); !accepted) return fail(accepted.error());

  Progress progress(context, request.request_id(), *before);
  FollowOptions options;
  options.after_seq = before->last_seq();
  options.incident_id = request.incident_id();
  options.give_up_at = std::chrono::steady_clock::now() + k_longest_wait;
  const auto followed = follow(client, options,
                               {[&](const v1::WatchResponse& response) { return progress.take(response); },
                                [&](const std::string& what) { context.notes().text(what); }});
  if (!progress.shown()) return fail(progress.shown().error());
  if (!followed) {
    auto error = followed.error();
    error.hint =
        fmt::format("It goes on without you; follow it with: rdpmend watch --incident {}", request.incident_id());
    return fail(std::move(error));
  }
  if (!progress.ended()) return fail(ErrorCode::cancelled, "interrupted; what was begun goes on without you");
  if (!context.json()) print_end(context.out(), progress.incident());
  return progress.outcome() == wanted ? ExitCode::ok : ExitCode::failed;
}

}  // namespace rdpmend::cli
