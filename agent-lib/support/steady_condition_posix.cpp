// glibc waits on the monotonic clock when libstdc++ asks for it (pthread_cond_clockwait).
#include <condition_variable>

#include "agent-lib/support/steady_condition.hpp"

namespace rdpmend {

struct SteadyCondition::Parts {
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t notifications = 0;
};

SteadyCondition::SteadyCondition() : parts_(std::make_unique<Parts>()) {}
SteadyCondition::~SteadyCondition() = default;

void SteadyCondition::notify_all() {
  const std::scoped_lock lock(parts_->mutex);
  ++parts_->notifications;
  parts_->changed.notify_all();
}

std::uint64_t SteadyCondition::notifications() const {
  const std::scoped_lock lock(parts_->mutex);
  return parts_->notifications;
}

void SteadyCondition::sleep(std::uint64_t seen, Clock::time_point until) const {
  std::unique_lock lock(parts_->mutex);
  const auto more = [&] { return parts_->notifications != seen; };
  // A moment beyond the end of time is none: the library would compute with it.
  if (until == Clock::time_point::max()) return parts_->changed.wait(lock, more);
  parts_->changed.wait_until(lock, until, more);
}

}  // namespace rdpmend
