#include "tests/wine/wevtapi/result_sets.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace rdpmend::lab {

namespace {

constexpr std::size_t k_max_pending = 1000;
constexpr DWORD k_own_timeout_ms = 5000;

HANDLE duplicate(HANDLE event) {
  HANDLE own = nullptr;
  if (!DuplicateHandle(GetCurrentProcess(), event, GetCurrentProcess(), &own, 0, FALSE, DUPLICATE_SAME_ACCESS))
    throw std::runtime_error("the signal event is not usable");
  return own;
}

}  // namespace

QueryResult::QueryResult(Channel channel, EventQuery query, bool newest_first)
    : channel_(std::move(channel)), query_(std::move(query)), newest_first_(newest_first) {
  const auto extent = channel_.extent(k_own_timeout_ms);
  if (extent) position_ = extent->oldest - 1;
  if (!newest_first_) return;
  channel_.read(position_, k_own_timeout_ms, [this](StoredEvent event) {
    if (query_.matches(read_event_fields(event.xml))) newest_.push_back(std::move(event));
    return true;
  });
}

NextResult QueryResult::next(std::size_t max, DWORD timeout_ms) {
  if (GetCurrentThreadId() != thread_) return {{}, ERROR_INVALID_HANDLE};
  return newest_first_ ? next_backward(max, timeout_ms) : next_forward(max, timeout_ms);
}

// "The result set from the query does not contain a snapshot": it goes on to what is logged meanwhile.
// https://learn.microsoft.com/windows/win32/wes/consuming-events
NextResult QueryResult::next_forward(std::size_t max, DWORD timeout_ms) {
  const auto extent = channel_.extent(timeout_ms);
  if (!extent) return {{}, ERROR_TIMEOUT};
  // "This may be due to the log being cleared or rolling over":
  // https://learn.microsoft.com/windows/win32/wes/windows-event-log-error-constants
  if (extent->oldest > position_ + 1) return {{}, ERROR_EVT_QUERY_RESULT_STALE};
  NextResult result;
  const bool locked = channel_.read(position_, timeout_ms, [&](StoredEvent event) {
    if (result.events.size() == max) return false;
    position_ = event.record_id;
    if (query_.matches(read_event_fields(event.xml))) result.events.push_back(std::move(event));
    return true;
  });
  if (!locked) return {{}, ERROR_TIMEOUT};
  if (result.events.empty()) result.error = ERROR_NO_MORE_ITEMS;
  return result;
}

NextResult QueryResult::next_backward(std::size_t max, DWORD timeout_ms) {
  if (newest_.empty()) return {{}, ERROR_NO_MORE_ITEMS};
  const auto extent = channel_.extent(timeout_ms);
  if (!extent) return {{}, ERROR_TIMEOUT};
  if (extent->oldest > newest_.back().record_id) return {{}, ERROR_EVT_QUERY_RESULT_STALE};
  NextResult result;
  while (!newest_.empty() && result.events.size() < max) {
    result.events.push_back(std::move(newest_.back()));
    newest_.pop_back();
  }
  return result;
}

Subscription::Subscription(Channel channel, EventQuery query, Start start, bool strict, HANDLE signal)
    : channel_(std::move(channel)),
      query_(std::move(query)),
      strict_(strict),
      silent_(channel_.silent()),
      deaths_at_birth_(channel_.deaths()),
      signal_(duplicate(signal)),
      position_(start.after),
      skip_first_(start.skip_first) {}

Subscription::~Subscription() {
  CloseHandle(signal_);
}

void Subscription::look() {
  const std::scoped_lock lock(mutex_);
  if (!stale_) refill(k_own_timeout_ms);
  signal_if_due();
}

void Subscription::signal_if_due() {
  if (!armed_ || (pending_.empty() && !stale_) || dead()) return;
  armed_ = false;
  SetEvent(signal_);
}

bool Subscription::refill(DWORD timeout_ms) {
  const auto extent = channel_.extent(timeout_ms);
  if (!extent) return false;
  const auto first_unread = pending_.empty() ? position_ + 1 : pending_.front().record_id;
  if (extent->oldest > first_unread) {
    std::erase_if(pending_, [&](const StoredEvent& event) { return event.record_id < extent->oldest; });
    position_ = std::max(position_, extent->oldest - 1);
    // Without Strict it goes on quietly with what is left.
    if (strict_) stale_ = true;
  }
  return channel_.read(position_, timeout_ms, [this](StoredEvent event) {
    if (pending_.size() >= k_max_pending) return false;
    position_ = event.record_id;
    if (!query_.matches(read_event_fields(event.xml))) return true;
    if (!std::exchange(skip_first_, false)) pending_.push_back(std::move(event));
    return true;
  });
}

DWORD Subscription::dead_answer() {
  switch (channel_.dead_answer()) {
    case DeadAnswer::invalid_operation: return ERROR_INVALID_OPERATION;
    case DeadAnswer::invalid_handle: return ERROR_INVALID_HANDLE;
    case DeadAnswer::rpc_server_unavailable: return RPC_S_SERVER_UNAVAILABLE;
    case DeadAnswer::no_more_items: break;
  }
  return ERROR_NO_MORE_ITEMS;
}

bool Subscription::fits(std::size_t count) const {
  const auto large = channel_.large();
  if (count < 2 || large == 0) return true;
  return std::none_of(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count),
                      [&](const StoredEvent& event) { return event.record_id == large; });
}

NextResult Subscription::next(std::size_t max, DWORD timeout_ms) {
  const std::scoped_lock lock(mutex_);
  if (dead()) return {{}, dead_answer()};
  if (!stale_ && !refill(timeout_ms)) return {{}, ERROR_TIMEOUT};
  // For good: "Release the query result object and reissue the query."
  // https://learn.microsoft.com/windows/win32/wes/windows-event-log-error-constants
  if (stale_) return {{}, ERROR_EVT_QUERY_RESULT_STALE};
  if (pending_.empty() || silent_) {
    armed_ = true;
    // A subscription that is read although it has not been signalled since its end says ERROR_INVALID_OPERATION; no
    // page says so, those who read real hosts do: https://github.com/vectordotdev/vector/pull/26118
    return {{}, static_cast<DWORD>(std::exchange(read_to_end_, true) ? ERROR_INVALID_OPERATION : ERROR_NO_MORE_ITEMS)};
  }
  NextResult result;
  const auto count = std::min(max, pending_.size());
  if (!fits(count)) {
    // It fails, and has moved on all the same.
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count));
    return {{}, RPC_S_INVALID_BOUND};
  }
  while (result.events.size() < count) {
    result.events.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
  read_to_end_ = false;
  return result;
}

}  // namespace rdpmend::lab
