#include "tests/wine/wevtapi/store_watch.hpp"

#include "tests/wine/lab/channel_store.hpp"

namespace rdpmend::lab {

void StoreWatch::begin() {
  const std::scoped_lock lock(mutex_);
  if (subscriptions_++ > 0) return;
  stop_ = CreateEventW(nullptr, TRUE, FALSE, nullptr);
  thread_ = std::thread([this, stop = stop_] { run(stop); });
}

void StoreWatch::end() {
  const std::scoped_lock lock(mutex_);
  if (--subscriptions_ > 0) return;
  SetEvent(stop_);
  thread_.join();
  CloseHandle(stop_);
}

void StoreWatch::run(HANDLE stop) const {
  StoreChange change;
  const HANDLE events[] = {stop, change.event()};
  do {
    change.arm();  // Before looking, so that no change falls in between.
    changed_();
  } while (WaitForMultipleObjects(2, events, FALSE, INFINITE) == WAIT_OBJECT_0 + 1);
}

}  // namespace rdpmend::lab
