// Restarts a service with the dependents that ran. Undo makes the same services run that ran before: a service that we
// stopped and could not start again is our doing, whatever the reason.
#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/steps/service_state.hpp"
#include "agent-lib/steps/step_kind.hpp"

namespace rdpmend {

namespace {

// A stop that takes longer than half the deadline leaves too little for the start.
Duration half(Duration deadline) {
  return deadline / 2;
}

std::string dependents_text(const v1::ServiceState& state) {
  std::string text;
  for (const auto& name : state.running_dependents()) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

class RestartServiceKind final : public StepKind {
 public:
  std::string describe(const v1::Step& step) const override {
    return fmt::format("restart service {}", step.restart_service().service());
  }

  Duration default_deadline() const override { return std::chrono::seconds{60}; }

  // Restarting SessionEnv drops nobody; TermService owns the connections.
  // https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/event-id-troubleshoot-vm-rdp-connecton
  bool drops_sessions(const v1::Step& step) const override {
    return step.restart_service().service() == service_name::k_term_service;
  }

  Result<v1::StepState> capture(const HostView& host, const v1::Step& step) const override {
    return capture_service(host.services, step.restart_service().service(), step.number());
  }

  v1::StepState expected_after(const v1::Step&, const v1::StepState& before) const override {
    v1::StepState after = before;
    after.mutable_service()->set_running(true);
    return after;
  }

  // The start type is not this step's business: an earlier step of the plan may have changed it.
  std::optional<std::string> difference(const v1::StepState& expected, const v1::StepState& found) const override {
    const auto& a = expected.service();
    const auto& b = found.service();
    if (a.running() != b.running()) return b.running() ? "it is running" : "it is not running";
    if (!same_dependents(a, b)) {
      return fmt::format("the services that run on top of it are {}, not {}", dependents_text(b), dependents_text(a));
    }
    return std::nullopt;
  }

  Status apply(const HostControl& host, const v1::Step& step, const v1::StepState& before) const override {
    const auto& name = step.restart_service().service();
    const auto deadline = from_proto(step.deadline());
    const auto until = host.clock.steady() + deadline;
    const auto left = [&] { return std::max<Duration>(until - host.clock.steady(), std::chrono::seconds{1}); };

    if (before.service().running()) {
      for (const auto& dependent : before.service().running_dependents()) {
        if (auto stopped = host.services.stop(dependent, half(left())); !stopped)
          return failed(stopped, "stop", dependent);
      }
      if (auto stopped = host.services.stop(name, half(left())); !stopped) return failed(stopped, "stop", name);
    }
    if (auto started = host.services.start(name, left()); !started) return failed(started, "start", name);
    return start_dependents(host, before.service(), left());
  }

  Status undo(const HostControl& host, const v1::Step& step, const v1::StepState& before,
              const v1::StepState& now) const override {
    const auto& name = step.restart_service().service();
    const auto deadline = from_proto(step.deadline());
    if (!before.service().running() && now.service().running()) {
      if (auto ours = require_ours(step, before, now); !ours) return ours;
      if (auto stopped = host.services.stop(name, half(deadline)); !stopped) return failed(stopped, "stop", name);
      return {};
    }
    if (before.service().running() && !now.service().running()) {
      if (auto started = host.services.start(name, half(deadline)); !started) return failed(started, "start", name);
    }
    return start_dependents(host, before.service(), half(deadline));
  }

 private:
  static bool same_dependents(const v1::ServiceState& a, const v1::ServiceState& b) {
    return std::is_permutation(a.running_dependents().begin(), a.running_dependents().end(),
                               b.running_dependents().begin(), b.running_dependents().end());
  }

  // They were stopped from the top down; they start from the bottom up.
  static Status start_dependents(const HostControl& host, const v1::ServiceState& before, Duration deadline) {
    for (int i = before.running_dependents_size() - 1; i >= 0; --i) {
      const auto& name = before.running_dependents(i);
      auto info = host.services.find(name);
      if (!info) return fail(std::move(info).error());
      if (*info && (*info)->run == ServiceRun::running) continue;
      if (auto started = host.services.start(name, deadline); !started) return failed(started, "start", name);
    }
    return {};
  }

  static Status failed(Status& status, std::string_view verb, const std::string& name) {
    return fail(std::move(status).error().context(fmt::format("cannot {} service {}", verb, name)));
  }
};

}  // namespace

const StepKind& restart_service_kind() {
  static const RestartServiceKind kind;
  return kind;
}

}  // namespace rdpmend
