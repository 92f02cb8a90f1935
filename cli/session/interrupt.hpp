// Ctrl-C as a stop request, so that what is under way ends in order.
#pragma once

#include <stop_token>
#include <thread>

#include "agent-lib/support/asio.hpp"

namespace rdpmend::cli {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  asio::io_context context_;
  asio::signal_set signals_;
  std::jthread thread_;
};

}  // namespace rdpmend::cli
