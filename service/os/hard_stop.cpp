#include "service/os/hard_stop.hpp"

#include <chrono>
#include <mutex>

#include "agent-lib/support/log.hpp"
#include "agent-lib/support/steady_condition.hpp"
#include "agent-lib/support/time.hpp"
#include "service/os/exit_codes.hpp"
#include "service/os/platform.hpp"

namespace rdpmend {

namespace {

constexpr Duration k_stop_limit = std::chrono::seconds{15};

void wait_and_end(const std::stop_token& destroyed, const std::function<void()>& last_words) {
  std::mutex mutex;
  SteadyCondition woken;
  std::unique_lock lock(mutex);
  woken.wait_for(lock, destroyed, k_stop_limit, [] { return false; });
  if (destroyed.stop_requested()) return;
  log::error("the service did not stop within {}: ending the process", to_human(k_stop_limit));
  if (last_words) last_words();
  end_process_now(exit_code::k_hard_stop);
}

}  // namespace

HardStop::HardStop(std::function<void()> last_words)
    : limit_([last_words = std::move(last_words)](const std::stop_token& destroyed) {
        wait_and_end(destroyed, last_words);
      }) {}

}  // namespace rdpmend
