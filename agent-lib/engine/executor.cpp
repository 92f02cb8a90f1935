#include "agent-lib/engine/executor.hpp"

#include <fmt/format.h>

#include "agent-lib/support/log.hpp"

namespace rdpmend {

using v1::StepRecord;

namespace {

constexpr int k_undo_tries = 3;
constexpr Duration k_undo_pause = std::chrono::seconds{1};

Result<const StepKind*> kind_of(const v1::Step& step) {
  if (const auto* kind = find_step_kind(step)) return kind;
  return fail(ErrorCode::unsupported,
              fmt::format("step {} is of a kind that this version does not know", step.number()));
}

// Worth another try: the host was busy, not unwilling.
bool is_passing(ErrorCode code) {
  return code == ErrorCode::unavailable || code == ErrorCode::timeout;
}

}  // namespace

Status Executor::climb(std::uint64_t incident_id, const v1::Rung& rung, const std::vector<v1::StepState>& before,
                       const std::stop_token& stop) const {
  for (int i = 0; i < rung.steps_size(); ++i) {
    if (stop.stop_requested()) return fail(ErrorCode::cancelled, "the service is stopping");
    if (auto applied = apply(incident_id, rung.steps(i), before.at(static_cast<std::size_t>(i))); !applied)
      return applied;
  }
  return {};
}

Status Executor::apply(std::uint64_t incident_id, const v1::Step& step, const v1::StepState& before) const {
  const auto kind = kind_of(step);
  if (!kind) return fail(kind.error());

  // Durable before anything is written: after a crash this entry says where to look.
  auto intended = ledger_.record(incident_id, [&](v1::JournalEntry& entry) {
    auto& body = *entry.mutable_step_intended();
    body.set_step_number(step.number());
    body.set_description(step.description());
    *body.mutable_before() = before;
  });
  if (!intended) return intended;

  auto after = change(**kind, step, before, &StepKind::apply);
  if (!after) return failed(incident_id, step, after.error().cause, std::move(after.error().error));
  return ledger_.record(incident_id, [&](v1::JournalEntry& entry) {
    auto& body = *entry.mutable_step_done();
    body.set_step_number(step.number());
    body.set_description(step.description());
    *body.mutable_after() = *after;
  });
}

tl::expected<v1::StepState, Executor::Failure> Executor::change(const StepKind& kind, const v1::Step& step,
                                                                const v1::StepState& before, Write write) const {
  const auto failure = [](v1::StepFailed::Cause cause, Error error) {
    return tl::make_unexpected(Failure{cause, std::move(error)});
  };
  const auto now = kind.capture(host_.view(), step);
  if (!now) return failure(v1::StepFailed::CAUSE_UNREADABLE, now.error());
  if (const auto other = kind.difference(before, *now))
    return failure(v1::StepFailed::CAUSE_CONFLICT,
                   Error{ErrorCode::conflict, "somebody else changed it: " + *other, "", {}});

  if (const auto written = (kind.*write)(host_, step, before); !written)
    return failure(v1::StepFailed::CAUSE_WRITE, written.error());

  auto after = kind.capture(host_.view(), step);
  if (!after) return failure(v1::StepFailed::CAUSE_WRITE, after.error());
  if (const auto other = kind.difference(kind.expected_after(step, before), *after))
    return failure(v1::StepFailed::CAUSE_WRITE,
                   Error{ErrorCode::conflict, "the host does not show what was written: " + *other, "", {}});
  return std::move(*after);
}

Status Executor::lend(const v1::Step& step, const v1::StepState& before) const {
  const auto kind = kind_of(step);
  if (!kind) return fail(kind.error());
  auto after = change(**kind, step, before, &StepKind::lend);
  return after ? Status{} : fail(std::move(after.error().error));
}

Status Executor::failed(std::uint64_t incident_id, const v1::Step& step, v1::StepFailed::Cause cause,
                        Error error) const {
  const auto recorded = ledger_.record(incident_id, [&](v1::JournalEntry& entry) {
    auto& body = *entry.mutable_step_failed();
    body.set_step_number(step.number());
    body.set_description(step.description());
    body.set_cause(cause);
    body.set_error(to_string(error));
  });
  if (!recorded)
    log::error("step {} of incident {} failed and cannot be recorded: {}", step.number(), incident_id,
               to_string(recorded.error()));
  return fail(std::move(error).context(fmt::format("step {} ({})", step.number(), step.description())));
}

std::vector<std::string> Executor::undo(const v1::Incident& incident) const {
  std::vector<std::string> blocked;
  const auto& records = incident.repair().steps();
  for (auto it = records.rbegin(); it != records.rend(); ++it) {
    if (it->phase() != StepRecord::PHASE_INTENDED && it->phase() != StepRecord::PHASE_DONE) continue;
    const auto* step = find_step(incident.repair().plan(), it->step_number());
    if (step == nullptr) {
      blocked.push_back(fmt::format("step {} is not in the plan", it->step_number()));
      continue;
    }
    std::string detail;
    const auto undone = put_back(*step, it->before(), detail);
    const auto recorded = ledger_.record(incident.id(), [&](v1::JournalEntry& entry) {
      const auto about_step = [&](auto& body) -> auto& {
        body.set_step_number(step->number());
        body.set_description(step->description());
        return body;
      };
      if (undone) {
        about_step(*entry.mutable_step_undone()).set_detail(detail);
      } else {
        about_step(*entry.mutable_step_undo_blocked()).set_reason(to_string(undone.error()));
      }
    });
    // Undoing goes on without a record: the host comes first, and undoing twice does no harm.
    if (!recorded)
      log::error("undoing step {} of incident {} cannot be recorded: {}", step->number(), incident.id(),
                 to_string(recorded.error()));
    if (!undone)
      blocked.push_back(fmt::format("step {} ({}): {}", step->number(), step->description(), undone.error().what));
  }
  return blocked;
}

Status Executor::put_back(const v1::Step& step, const v1::StepState& before, std::string& detail) const {
  const auto kind = kind_of(step);
  if (!kind) return fail(kind.error());
  Status result;
  for (int attempt = 1; attempt <= k_undo_tries; ++attempt) {
    if (attempt > 1) host_.clock.wait_for(k_undo_pause, {});
    const auto now = (*kind)->capture(host_.view(), step);
    if (!now) {
      result = fail(now.error());
    } else if (!(*kind)->difference(before, *now)) {
      detail = attempt == 1 ? "it is as it was: nothing to undo" : "put back";
      return {};
    } else {
      // Whether it took effect is seen by reading back, on the next round; an error may hide a success.
      result = (*kind)->undo(host_, step, before, *now);
      if (result) {
        const auto after = (*kind)->capture(host_.view(), step);
        if (after && !(*kind)->difference(before, *after)) {
          detail = "put back";
          return {};
        }
        result = fail(ErrorCode::unavailable, "it was put back, but the host does not show it yet");
      }
    }
    if (!is_passing(result.error().code)) return result;
  }
  return result;
}

}  // namespace rdpmend
