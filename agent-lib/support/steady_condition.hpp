// A condition variable whose waits are measured by a clock that nobody sets.
//
// Those of GCC 12 for Windows are not: libstdc++'s condition_variable (__wait_until_impl) turns a steady deadline into
// one of the wall clock, and winpthreads (pthread_cond_timedwait_impl in cond.c) turns that into a time to wait by
// reading the wall clock again. A wall clock that is set right between the two moves the deadline by as much, and a
// wrong wall clock is one of the faults we meet. tests/architecture keeps the other kind out.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>

#include "agent-lib/support/time.hpp"

namespace rdpmend {

class SteadyCondition {
 public:
  SteadyCondition();
  ~SteadyCondition();
  SteadyCondition(const SteadyCondition&) = delete;
  SteadyCondition& operator=(const SteadyCondition&) = delete;

  // Makes every wait look at its condition again. With or without the mutex that guards it.
  void notify_all();

  // Until done(), which is called under the lock.
  template <class Done>
  void wait(std::unique_lock<std::mutex>& lock, Done done) {
    wait_until(lock, Clock::time_point::max(), done);
  }
  // At most for that long. What done() said last.
  template <class Done>
  bool wait_for(std::unique_lock<std::mutex>& lock, Duration at_most, Done done) {
    return wait_until(lock, Clock::now() + std::chrono::ceil<Clock::duration>(at_most), done);
  }
  // Not beyond a request to stop either.
  template <class Done>
  bool wait_for(std::unique_lock<std::mutex>& lock, const std::stop_token& stop, Duration at_most, Done done) {
    const std::stop_callback look_again(stop, [this] { notify_all(); });
    bool ready = false;
    wait_for(lock, at_most, [&] { return (ready = done()) || stop.stop_requested(); });
    return ready;
  }

 private:
  using Clock = std::chrono::steady_clock;

  // A notification between done() and the sleep is not lost, because it is counted.
  template <class Done>
  bool wait_until(std::unique_lock<std::mutex>& lock, Clock::time_point until, Done& done) {
    while (true) {
      const auto seen = notifications();
      if (done()) return true;
      if (Clock::now() >= until) return false;
      lock.unlock();
      sleep(seen, until);
      lock.lock();
    }
  }
  std::uint64_t notifications() const;
  // Until there were more notifications than `seen`, or the moment has come.
  void sleep(std::uint64_t seen, Clock::time_point until) const;

  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace rdpmend
