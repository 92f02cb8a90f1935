// One thread per process that tells its subscriptions when the store has changed; it lives while there are some.
#pragma once

#include <windows.h>

#include <functional>
#include <mutex>
#include <thread>

namespace rdpmend::lab {

class StoreWatch {
 public:
  explicit StoreWatch(std::function<void()> changed) : changed_(std::move(changed)) {}
  void begin();  // One more subscription.
  void end();    // One less; the last one waits for the thread.

 private:
  void run(HANDLE stop) const;

  const std::function<void()> changed_;
  std::mutex mutex_;
  std::size_t subscriptions_ = 0;
  HANDLE stop_ = nullptr;
  std::thread thread_;
};

}  // namespace rdpmend::lab
