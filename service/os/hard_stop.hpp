// The end of a stop that hangs: a service that cannot be stopped is worse than one that is ended, and the next start
// recovers as after a crash.
#pragma once

#include <functional>
#include <thread>

namespace rdpmend {

class HardStop {
 public:
  // Unless it is destroyed within k_stop_limit (15 s), says so in the log, calls `last_words` and ends the process.
  explicit HardStop(std::function<void()> last_words = {});

 private:
  std::jthread limit_;
};

}  // namespace rdpmend
