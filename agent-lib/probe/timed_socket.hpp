// A TCP socket whose operations block the calling thread, but never beyond a time limit or a request to stop.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>

#include "agent-lib/support/asio.hpp"

namespace rdpmend {

class TimedSocket {
 public:
  using Clock = std::chrono::steady_clock;
  using Code = boost::system::error_code;

  explicit TimedSocket(std::stop_token stop) : stop_{std::move(stop)}, interrupt_{stop_, [this] { post_close(); }} {}
  TimedSocket(const TimedSocket&) = delete;
  TimedSocket& operator=(const TimedSocket&) = delete;

  asio::ip::tcp::socket& socket() { return socket_; }

  // Starts one asynchronous operation with `start(handler)` and runs it to its end. Its own error code, or
  // asio::error::timed_out at the limit, or asio::error::operation_aborted when stopped; the socket is then closed.
  template <class Start>
  Code run(Clock::time_point limit, Start start) {
    if (stop_.stop_requested()) return asio::error::operation_aborted;
    Code result;
    bool late = false;
    timer_.expires_at(limit);
    timer_.async_wait([&](const Code& cancelled) {
      if (cancelled) return;
      late = true;
      close();
    });
    start([&](const Code& code, auto&&...) {
      result = code;
      timer_.cancel();
    });
    io_.restart();
    io_.run();  // Ends when the operation and the timer have ended: nothing refers to this frame any more.
    if (stop_.stop_requested()) return asio::error::operation_aborted;
    return late ? Code{asio::error::timed_out} : result;
  }

  void close() {
    Code ignored;
    socket_.close(ignored);
  }

 private:
  void post_close() {
    asio::post(io_, [this] { close(); });
  }

  asio::io_context io_{1};
  asio::ip::tcp::socket socket_{io_};
  asio::steady_timer timer_{io_};
  std::stop_token stop_;
  std::stop_callback<std::function<void()>> interrupt_;  // Last: it must not fire into members that are gone.
};

}  // namespace rdpmend
