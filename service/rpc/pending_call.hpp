// A unary call that is answered later, from another thread. Whoever comes first answers it: the engine, the client by
// cancelling, or the server's own time limit; whoever comes later is ignored and touches nothing of the call.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <memory>
#include <optional>

#include "agent-lib/support/asio.hpp"
#include "agent-lib/support/result.hpp"
#include "agent-lib/support/time.hpp"
#include "service/rpc/status_map.hpp"

namespace rdpmend {

// For calls whose client set no deadline, or a longer one.
inline constexpr Duration k_longest_call = std::chrono::seconds{60};

template <class Response>
class PendingCall : public grpc::ServerUnaryReactor, public std::enable_shared_from_this<PendingCall<Response>> {
 public:
  // `timers` must run on one thread. The call keeps itself until gRPC is done with it.
  static std::shared_ptr<PendingCall> begin(Response* response, const asio::any_io_executor& timers) {
    auto call = std::make_shared<PendingCall>(response, timers);
    call->self_ = call;
    asio::post(timers, [call] { call->limit_time(); });
    return call;
  }

  PendingCall(Response* response, asio::any_io_executor timers) : response_(response), timers_(std::move(timers)) {}

  // From any thread, any number of times.
  void answer(Result<Response> result) {
    if (answered_.exchange(true)) return;
    if (!result) return Finish(to_grpc_status(result.error()));
    *response_ = std::move(*result);
    Finish(grpc::Status::OK);
  }
  void fail(Error error) { answer(rdpmend::fail(std::move(error))); }
  // For a handler that refuses at once.
  PendingCall* refuse(const Error& error) {
    fail(error);
    return this;
  }
  bool answered() const { return answered_; }

 private:
  void limit_time() {
    if (answered_) return;
    timer_.emplace(timers_, k_longest_call);
    timer_->async_wait([weak = this->weak_from_this()](const boost::system::error_code& error) {
      const auto call = weak.lock();
      if (error || !call) return;
      call->fail({ErrorCode::timeout,
                  "the service did not finish this call within its limit of " + to_human(k_longest_call),
                  "The host is slow to answer: see the service's log, and try again.",
                  {}});
    });
  }

  void OnCancel() override { fail({ErrorCode::cancelled, "the call was cancelled", "", {}}); }
  void OnDone() override {
    // The timer belongs to its thread, and must not outlive it: the engine may keep the call for longer.
    asio::post(timers_, [call = std::move(self_)] { call->timer_.reset(); });
  }

  Response* response_;  // gRPC's; valid until Finish.
  asio::any_io_executor timers_;
  std::optional<asio::steady_timer> timer_;
  std::atomic<bool> answered_{false};
  std::shared_ptr<PendingCall> self_;
};

}  // namespace rdpmend
