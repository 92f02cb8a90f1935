#include "service/hosting/scm_status.hpp"

#include "agent-lib/support/log.hpp"
#include "agent-lib/win32/os_error.hpp"

namespace rdpmend {

namespace {

using namespace std::chrono_literals;

constexpr auto k_start_hint = 60s;  // For one part of the start; opening a large journal takes longest.
constexpr auto k_stop_hint = 5s;
constexpr auto k_sign_of_life_every = 1s;

}  // namespace

void ScmStatus::start_pending() {
  report(SERVICE_START_PENDING, k_start_hint, 0);
}

void ScmStatus::running() {
  report(SERVICE_RUNNING, 0ms, SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PRESHUTDOWN);
}

void ScmStatus::stop_pending() {
  report(SERVICE_STOP_PENDING, k_stop_hint, 0);
  signs_of_life_ = std::jthread([this](std::stop_token stop) { keep_reporting(std::move(stop)); });
}

void ScmStatus::keep_reporting(std::stop_token stop) {
  std::unique_lock lock(stopping_mutex_);
  while (!stopping_.wait_for(lock, stop, k_sign_of_life_every, [&] { return stop.stop_requested(); })) {
    report(SERVICE_STOP_PENDING, k_stop_hint, 0);
  }
}

void ScmStatus::stopped(int exit_code) {
  signs_of_life_ = {};
  report(SERVICE_STOPPED, 0ms, 0, exit_code);
}

// https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_status
void ScmStatus::report(DWORD state, std::chrono::milliseconds wait_hint, DWORD accepted, int exit_code) {
  const std::scoped_lock lock(mutex_);
  SERVICE_STATUS status{};
  status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
  status.dwCurrentState = state;
  status.dwControlsAccepted = accepted;
  status.dwWin32ExitCode = exit_code == 0 ? NO_ERROR : ERROR_SERVICE_SPECIFIC_ERROR;
  status.dwServiceSpecificExitCode = static_cast<DWORD>(exit_code);
  const bool pending = state == SERVICE_START_PENDING || state == SERVICE_STOP_PENDING;
  checkpoint_ = pending ? checkpoint_ + 1 : 0;
  status.dwCheckPoint = checkpoint_;
  status.dwWaitHint = static_cast<DWORD>(wait_hint.count());
  if (SetServiceStatus(handle_, &status) == 0)
    log::warning("{}", to_string(win32::last_error("cannot report to the Service Control Manager")));
}

}  // namespace rdpmend
