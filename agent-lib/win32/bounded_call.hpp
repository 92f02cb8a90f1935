// Calls into Windows that may hang, with a deadline. Nothing can end such a call, so it runs on a thread of its own,
// which the caller may leave behind: at most one, because until it returns no other call is made.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "agent-lib/support/result.hpp"
#include "agent-lib/support/time.hpp"
#include "agent-lib/win32/unique_handle.hpp"

namespace rdpmend::win32 {

template <class Value>
class BoundedCall {
 public:
  // `call` may outlive this object and its caller: it must own what it uses, and must use no object of static storage
  // but the operating system's. When the process ends, Windows ends its thread.
  using Call = std::function<Result<Value>()>;

  // timeout: it has not returned in time, or one that somebody gave up on has still not returned. Callers at the same
  // time share one call.
  Result<Value> run(const std::string& doing, Duration deadline, Call call) const {
    const auto outcome = join_or_start(doing, std::move(call));
    if (!outcome) return fail(ErrorCode::timeout, doing + ": the call before still hangs");
    if (!outcome->comes_within(deadline)) {
      outcome->given_up = true;
      return fail(ErrorCode::timeout, doing + ": Windows does not answer");
    }
    return outcome->result();
  }

 private:
  // Waits on an event of Windows, whose time to wait is a span: agent-lib/support/steady_condition.hpp says why that
  // counts.
  class Outcome {
   public:
    std::atomic<bool> given_up = false;

    void set(Result<Value> result) {
      result_ = std::move(result);
      SetEvent(there_.get());
    }
    bool comes_within(Duration time) const {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(time).count();
      return WaitForSingleObject(there_.get(), static_cast<DWORD>(std::clamp<std::int64_t>(left, 0, INFINITE - 1))) ==
             WAIT_OBJECT_0;
    }
    // Once it has come.
    const Result<Value>& result() const { return *result_; }

   private:
    std::optional<Result<Value>> result_;
    UniqueKernel there_{CreateEventW(nullptr, TRUE, FALSE, nullptr)};
  };

  // Null: the last one hangs.
  std::shared_ptr<Outcome> join_or_start(const std::string& doing, Call call) const {
    const std::scoped_lock lock(mutex_);
    if (last_ && !last_->comes_within(Duration::zero())) return last_->given_up ? nullptr : last_;
    last_ = std::make_shared<Outcome>();
    try {
      std::thread([outcome = last_, work = std::move(call)] { outcome->set(guarded(work)); }).detach();
    } catch (const std::system_error& error) {
      last_->set(fail(ErrorCode::exhausted, doing + ": " + error.what()));
    }
    return last_;
  }

  static Result<Value> guarded(const Call& call) {
    try {
      return call();
    } catch (const std::exception& error) {
      return fail(ErrorCode::internal, error.what());
    }
  }

  mutable std::mutex mutex_;
  mutable std::shared_ptr<Outcome> last_;
};

}  // namespace rdpmend::win32
