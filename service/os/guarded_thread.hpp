// A thread that runs an io_context. What escapes from a handler is reported and survived: one bad handler must not end
// a service that keeps a host reachable.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "agent-lib/support/asio.hpp"

namespace rdpmend {

class GuardedThread {
 public:
  // Called on the thread itself: where it happened and what.
  using Report = std::function<void(const std::string& where, const std::string& what)>;
  GuardedThread(std::string name, Report report);
  // Without finish: drops the handlers that have not begun, and joins.
  ~GuardedThread();
  GuardedThread(const GuardedThread&) = delete;
  GuardedThread& operator=(const GuardedThread&) = delete;

  asio::any_io_executor executor() { return context_.get_executor(); }
  void start();
  // Lets the handlers that are there, and what they wait for, come to their end; then joins.
  void finish();

 private:
  void run();

  const std::string name_;
  const Report report_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  std::thread thread_;
};

}  // namespace rdpmend
