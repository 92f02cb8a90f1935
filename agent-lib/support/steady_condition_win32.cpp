// The operating system's own condition variable, whose time to wait is a span and no date.
// https://learn.microsoft.com/windows/win32/api/synchapi/nf-synchapi-sleepconditionvariablesrw
#include <windows.h>

#include <algorithm>

#include "agent-lib/support/steady_condition.hpp"

namespace rdpmend {

namespace {

class ExclusiveLock {
 public:
  explicit ExclusiveLock(SRWLOCK& lock) : lock_(lock) { AcquireSRWLockExclusive(&lock_); }
  ~ExclusiveLock() { ReleaseSRWLockExclusive(&lock_); }
  ExclusiveLock(const ExclusiveLock&) = delete;
  ExclusiveLock& operator=(const ExclusiveLock&) = delete;

 private:
  SRWLOCK& lock_;
};

}  // namespace

struct SteadyCondition::Parts {
  SRWLOCK lock = SRWLOCK_INIT;
  CONDITION_VARIABLE changed = CONDITION_VARIABLE_INIT;
  std::uint64_t notifications = 0;
};

SteadyCondition::SteadyCondition() : parts_(std::make_unique<Parts>()) {}
SteadyCondition::~SteadyCondition() = default;

void SteadyCondition::notify_all() {
  const ExclusiveLock lock(parts_->lock);
  ++parts_->notifications;
  WakeAllConditionVariable(&parts_->changed);
}

std::uint64_t SteadyCondition::notifications() const {
  const ExclusiveLock lock(parts_->lock);
  return parts_->notifications;
}

// It may wake for no reason, and a tick too early: asked again by the steady clock.
void SteadyCondition::sleep(std::uint64_t seen, Clock::time_point until) const {
  constexpr std::int64_t k_longest = 24LL * 60 * 60 * 1000;
  const ExclusiveLock lock(parts_->lock);
  while (parts_->notifications == seen) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return;
    SleepConditionVariableSRW(&parts_->changed, &parts_->lock, static_cast<DWORD>(std::min(left, k_longest)), 0);
  }
}

}  // namespace rdpmend
