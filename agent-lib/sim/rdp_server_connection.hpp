// One client's connection to the simulated listener: X.224, TLS, then silence until it ends. All on one executor.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "agent-lib/sim/sim_host.hpp"
#include "agent-lib/sim/x224_server.hpp"
#include "agent-lib/support/asio_ssl.hpp"

namespace rdpmend::sim {

class RdpServerConnection : public std::enable_shared_from_this<RdpServerConnection> {
 public:
  RdpServerConnection(asio::ip::tcp::socket socket, SimHost::ListenerView view);

  // Lives until the connection is over: at the latest when its time is.
  void start();
  void close();

 private:
  using Code = boost::system::error_code;

  void read_header();
  void read_request(std::size_t length);
  void answer();
  void shake_hands();
  void read_and_drop();

  asio::ip::tcp::socket socket_;
  asio::steady_timer deadline_;
  const SimHost::ListenerView view_;
  std::vector<std::uint8_t> request_;
  std::array<std::uint8_t, 19> reply_{};
  std::array<std::uint8_t, 4096> dropped_{};
  std::optional<asio::ssl::context> tls_context_;
  std::optional<asio::ssl::stream<asio::ip::tcp::socket&>> tls_;
};

}  // namespace rdpmend::sim
