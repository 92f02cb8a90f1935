#include "service/os/guarded_thread.hpp"

#include <exception>

#include "agent-lib/support/log.hpp"

namespace rdpmend {

GuardedThread::GuardedThread(std::string name, Report report) : name_(std::move(name)), report_(std::move(report)) {}

GuardedThread::~GuardedThread() {
  if (!thread_.joinable()) return;
  context_.stop();
  thread_.join();
}

void GuardedThread::start() {
  thread_ = std::thread([this] { run(); });
}

void GuardedThread::finish() {
  work_.reset();
  if (thread_.joinable()) thread_.join();
}

void GuardedThread::run() {
  for (bool more = true; more;) {
    try {
      context_.run();
      more = false;
    } catch (const std::exception& error) {
      log::error("thread {}: {}", name_, error.what());
      report_(name_, error.what());
    } catch (...) {
      log::error("thread {}: an unknown exception", name_);
      report_(name_, "an unknown exception");
    }
  }
}

}  // namespace rdpmend
