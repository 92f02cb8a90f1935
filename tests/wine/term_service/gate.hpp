// One address of the listener. Open: it listens. Closed: connections are refused.
#pragma once

#include <functional>
#include <string>

#include "agent-lib/support/asio.hpp"

namespace rdpmend::lab {

class Gate {
 public:
  using OnConnection = std::function<void(asio::ip::tcp::socket)>;
  Gate(asio::io_context& io, const std::string& address, std::uint16_t port, OnConnection on_connection);

  // False: the address is not of this computer, or the port is another's.
  bool set_open(bool open);

 private:
  void accept_next();

  asio::ip::tcp::acceptor acceptor_;
  const asio::ip::tcp::endpoint endpoint_;
  const OnConnection on_connection_;
};

}  // namespace rdpmend::lab
