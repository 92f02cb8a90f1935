// The service in the foreground: waits on the main thread until it is asked to end.
#pragma once

#include <string>

#include "agent-lib/support/asio.hpp"

namespace rdpmend {

class ConsoleHost {
 public:
  // From now on SIGINT and SIGTERM (on Windows Ctrl-C and Ctrl-Break) are requests to end.
  ConsoleHost();

  // What else the main thread does while it waits.
  asio::io_context& context() { return context_; }

  // Blocks until a signal or end(); why. Afterwards a signal ends the process at once, as it does by default: that is
  // the hard stop for who does not want to wait.
  std::string wait();
  // On the main thread, from a handler of context().
  void end(std::string reason);

 private:
  asio::io_context context_{1};
  asio::signal_set signals_;
  std::string reason_;
};

}  // namespace rdpmend
