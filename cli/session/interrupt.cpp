#include "cli/session/interrupt.hpp"

#include <csignal>

namespace rdpmend::cli {

Interrupt::Interrupt() : signals_(context_, SIGINT, SIGTERM) {
#ifdef SIGBREAK
  signals_.add(SIGBREAK);  // Ctrl-Break, and a console window that is closed.
#endif
  // A second Ctrl-C finds the default handler: it ends the program whatever it hangs in.
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    boost::system::error_code ignored;
    signals_.clear(ignored);
    source_.request_stop();
  });
  thread_ = std::jthread([this] { context_.run(); });
}

Interrupt::~Interrupt() {
  context_.stop();
}

}  // namespace rdpmend::cli
