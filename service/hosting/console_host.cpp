#include "service/hosting/console_host.hpp"

#include <csignal>

namespace rdpmend {

ConsoleHost::ConsoleHost() : signals_(context_, SIGINT, SIGTERM) {
#ifdef SIGPIPE
  std::signal(SIGPIPE, SIG_IGN);  // Nobody reads our output any more: no reason to die in the middle of a repair.
#endif
#ifdef SIGBREAK
  signals_.add(SIGBREAK);  // Ctrl-Break, and a console window that is closed.
#endif
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (!error) end(signal == SIGINT ? "interrupted" : "asked to terminate");
  });
}

std::string ConsoleHost::wait() {
  context_.run();
  signals_.clear();
  return reason_;
}

void ConsoleHost::end(std::string reason) {
  if (reason_.empty()) reason_ = std::move(reason);
  context_.stop();
}

}  // namespace rdpmend
