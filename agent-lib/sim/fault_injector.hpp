// Makes the n-th mutating call on the simulated host go wrong, for the fault sweep.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/support/result.hpp"

namespace rdpmend::sim {

enum class Injection {
  denied,                 // Access is denied, nothing changed.
  busy,                   // Unavailable, nothing changed.
  timeout,                // The deadline passes, nothing changed.
  timeout_after_success,  // The deadline passes, but the change was made.
  crash_before,           // The process dies before the change (throws Crash).
  crash_after_success,    // The process dies after the change (throws Crash).
  outside_edit,           // Somebody else edits the same thing just before.
};
inline constexpr Injection k_all_injections[] = {Injection::denied,       Injection::busy,
                                                 Injection::timeout,      Injection::timeout_after_success,
                                                 Injection::crash_before, Injection::crash_after_success,
                                                 Injection::outside_edit};
std::string_view to_string(Injection injection);

// Stands for the end of the process. Only tests throw and catch it.
struct Crash {
  std::string where;
};

class FaultInjector {
 public:
  // The call with this number (1-based, over all mutating calls from now on) goes wrong once.
  void arm(std::uint64_t call, Injection injection);
  void disarm();
  // The name of the call that went wrong; empty: the armed one has not come.
  std::string fired() const;
  // Mutating calls so far, with their names: "services.stop(SessionEnv)".
  std::vector<std::string> calls() const;
  void reset_calls();

  // For SimHost: wraps a mutating call. `outside_edit` does what somebody else would do to the same object.
  Status run(const std::string& name, const std::function<Status()>& call, const std::function<void()>& outside_edit);

 private:
  static constexpr std::size_t k_max_remembered_calls = 100'000;

  // Remembers the call; what shall go wrong with it.
  std::optional<Injection> note(const std::string& name);

  mutable std::mutex mutex_;
  std::uint64_t calls_until_injection_ = 0;  // 0: not armed.
  std::string fired_;
  Injection injection_{};
  std::vector<std::string> calls_;
};

}  // namespace rdpmend::sim
