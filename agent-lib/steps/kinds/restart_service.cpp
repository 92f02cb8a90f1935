// Restarts a service with the dependents that ran. Undo makes the same services run that ran before: a service that we
// stopped and could not start again is our doing, whatever the reason.
// A service that does not run is only started, so starting has no kind of its own: what was captured tells the two
// apart in the plan's words and in what it may cost, and a service that somebody starts in between is a conflict, never
// a restart. What it depends on Windows starts first, by itself; undo leaves that running, since others may use it by
// then. https://learn.microsoft.com/windows/win32/services/service-startup
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
  std::string describe(const v1::Step& step, const v1::StepState& before) const override {
    return fmt::format("{} service {}", is_down(before) ? "start" : "restart", step.restart_service().service());
  }

  Duration default_deadline() const override { return std::chrono::seconds{60}; }

  // TermService owns the connections, so whoever stops it, also because it runs on top of what is restarted,
  // disconnects everybody. Restarting SessionEnv drops nobody, and starting what does not run cannot.
  // https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/event-id-troubleshoot-vm-rdp-connecton
  bool drops_sessions(const v1::Step& step, const v1::StepState& before) const override {
    if (is_down(before)) return false;
    const auto& on_top = before.service().running_dependents();
    return step.restart_service().service() == service_name::k_term_service ||
           std::find(on_top.begin(), on_top.end(), service_name::k_term_service) != on_top.end();
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
    if (const auto missing = first_missing(a, b); !missing.empty()) {
      return fmt::format("{} does not run on top of it: {} instead of {}", missing, dependents_text(b),
                         dependents_text(a));
    }
    return std::nullopt;
  }

  Status apply(const HostControl& host, const v1::Step& step, const v1::StepState& before) const override {
    const auto& name = step.restart_service().service();
    const auto deadline = from_proto(step.deadline());
    const auto until = host.clock.steady() + deadline;
    const auto left = [&] { return std::max<Duration>(until - host.clock.steady(), std::chrono::seconds{1}); };

    if (before.service().running()) {
      if (auto stopped = stop_with_dependents(host, name, left); !stopped) return stopped;
    }
    // A trigger may have started it again by now: a service that runs counts as started.
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
  static bool is_down(const v1::StepState& before) { return before.has_service() && !before.service().running(); }

  // Of those that ran before, one that does not run now. More may run: a trigger starts UmRdpService when a client
  // connects.
  static std::string first_missing(const v1::ServiceState& before, const v1::ServiceState& now) {
    const auto& running = now.running_dependents();
    for (const auto& name : before.running_dependents()) {
      if (std::find(running.begin(), running.end(), name) == running.end()) return name;
    }
    return {};
  }

  // A dependent may come back by its trigger between its stop and ours: then Windows refuses to stop the service, and
  // both are stopped once more.
  template <class Left>
  static Status stop_with_dependents(const HostControl& host, const std::string& name, const Left& left) {
    constexpr int k_tries = 3;
    for (int attempt = 1;; ++attempt) {
      const auto info = host.services.find(name);
      if (!info) return fail(info.error());
      if (!*info) return fail(ErrorCode::not_found, fmt::format("service {} is gone", name));
      for (const auto& dependent : (*info)->running_dependents) {
        if (auto stopped = host.services.stop(dependent, half(left())); !stopped)
          return failed(stopped, "stop", dependent);
      }
      auto stopped = host.services.stop(name, half(left()));
      if (stopped) return {};
      if (stopped.error().code != ErrorCode::conflict || attempt == k_tries) return failed(stopped, "stop", name);
    }
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
