// What the Service Control Manager is told about the service.
// https://learn.microsoft.com/windows/win32/services/service-status-transitions
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "agent-lib/support/steady_condition.hpp"
#include "agent-lib/win32/os.hpp"

namespace rdpmend {

// Thread-safe.
class ScmStatus {
 public:
  explicit ScmStatus(SERVICE_STATUS_HANDLE handle) : handle_(handle) {}

  // Also for every further sign of life on the way.
  void start_pending();
  void running();
  // Reports signs of life until stopped: the stop itself has its limit (App::stop).
  void stop_pending();
  // The last call: the process may be ended at any time after it. 0: as asked; else why it failed, one of
  // exit_codes.hpp.
  void stopped(int exit_code);

 private:
  void report(DWORD state, std::chrono::milliseconds wait_hint, DWORD accepted, int exit_code = 0);
  void keep_reporting(std::stop_token stop);

  const SERVICE_STATUS_HANDLE handle_;
  std::mutex mutex_;
  DWORD checkpoint_ = 0;
  std::mutex stopping_mutex_;
  SteadyCondition stopping_;
  std::jthread signs_of_life_;
};

}  // namespace rdpmend
