#include "agent-lib/win32/clock.hpp"

#include <algorithm>

#include "agent-lib/win32/time_source.hpp"
#include "agent-lib/win32/unique_handle.hpp"

namespace rdpmend::win32 {

namespace {

using namespace std::chrono_literals;
using Ticks = std::chrono::duration<std::int64_t, std::ratio<1, 10'000'000>>;  // FILETIME's.

constexpr Duration k_reference_deadline = 5s;

}  // namespace

// https://learn.microsoft.com/windows/win32/api/realtimeapiset/nf-realtimeapiset-queryunbiasedinterrupttime
SteadyTime awake_time() {
  ULONGLONG ticks = 0;
  QueryUnbiasedInterruptTime(&ticks);
  return Ticks{static_cast<std::int64_t>(ticks)};
}

WallTime Win32Clock::now() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

// A deadline is not missed, nor a window over, because the host slept.
SteadyTime Win32Clock::steady() const {
  return awake_time();
}

// For now only: FileTimeToLocalFileTime applies the daylight saving of this moment.
Duration Win32Clock::utc_offset() const {
  FILETIME utc{};
  FILETIME local{};
  GetSystemTimeAsFileTime(&utc);
  if (!FileTimeToLocalFileTime(&utc, &local)) return Duration::zero();
  const auto ticks = [](const FILETIME& time) {
    return Ticks{(static_cast<std::int64_t>(time.dwHighDateTime) << 32U) | time.dwLowDateTime};
  };
  return ticks(local) - ticks(utc);
}

Result<std::optional<TimeReference>> Win32Clock::reference() const {
  auto answer = reference_call_.run("cannot ask the host's time source", k_reference_deadline,
                                    [] { return ask_time_source(k_reference_deadline); });
  // A source that does not answer in time does not answer.
  if (!answer && answer.error().code == ErrorCode::timeout) return std::nullopt;
  return answer;
}

bool Win32Clock::wait_for(Duration duration, std::stop_token stop) const {
  const UniqueKernel stopped{CreateEventW(nullptr, TRUE, FALSE, nullptr)};
  const std::stop_callback on_stop(stop, [&] { SetEvent(stopped.get()); });
  const auto until = steady() + std::max(duration, Duration::zero());
  while (!stop.stop_requested()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady());
    if (left <= 0ms) return true;
    constexpr std::int64_t k_longest = 24LL * 60 * 60 * 1000;
    WaitForSingleObject(stopped.get(), static_cast<DWORD>(std::min<std::int64_t>(left.count(), k_longest)));
  }
  return false;
}

}  // namespace rdpmend::win32
