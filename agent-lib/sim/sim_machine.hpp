// Lets one caller at a time into the simulated host, moves its time, and tells others what happened.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "agent-lib/sim/consequences.hpp"
#include "agent-lib/sim/fault_injector.hpp"
#include "agent-lib/sim/world.hpp"

namespace rdpmend::sim {

class SimMachine {
 public:
  explicit SimMachine(World world);
  ~SimMachine();

  // Runs `inside` on the host as it is now: what was due by now has happened, what follows from it happens before
  // return.
  template <class Function>
  auto locked(Function&& inside) -> std::invoke_result_t<Function, World&> {
    if constexpr (std::is_void_v<std::invoke_result_t<Function, World&>>) {
      {
        const std::scoped_lock lock(mutex_);
        settle();
        inside(world_);
        finish();
      }
      tell();
    } else {
      auto result = [&] {
        const std::scoped_lock lock(mutex_);
        settle();
        auto inner = inside(world_);
        finish();
        return inner;
      }();
      tell();
      return result;
    }
  }

  // Reads the host as it is now. Nobody is woken by it unless something had become due.
  template <class Function>
  auto look(Function&& inside) {
    bool due = false;
    auto result = [&] {
      const std::scoped_lock lock(mutex_);
      due = settle();
      if (due) finish();
      return inside(std::as_const(world_));
    }();
    if (due) tell();
    return result;
  }

  // Virtual: moves time on. Real: waits. False if stop was requested.
  bool wait_for(Duration duration, const std::stop_token& stop);
  void advance(Duration duration);
  // Until `done`, which is asked whenever something happened, or stop, or the host's time is over.
  void wait_until_done(Duration at_most, const std::stop_token& stop, const std::function<bool(const World&)>& done);
  // Makes wait_until_done ask again.
  void nudge();

  // No call of the old one is running when these return.
  void set_on_change(std::function<void()> changed);
  void set_on_story(std::function<void(const std::string&)> on_story);

  FaultInjector& injector() { return injector_; }

 private:
  SteadyTime elapsed() const;
  bool settle();  // Lets happen what is due; whether anything was.
  void finish();
  void tell();
  void run_ticker(const std::stop_token& stop);

  FaultInjector injector_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::recursive_mutex
      telling_;  // Held while callbacks run; taken before mutex_, never inside. A callback may look at the host.
  std::function<void()> on_change_;
  std::function<void(const std::string&)> on_story_;

  std::mutex mutex_;
  std::condition_variable_any happened_;
  World world_;
  Duration skipped_{};  // Time that did not have to be waited for.
  std::pair<bool, bool> reachable_{};
  bool reachable_changed_ = false;
  std::jthread ticker_;  // Real time only: what is due happens although nobody calls.
};

}  // namespace rdpmend::sim
