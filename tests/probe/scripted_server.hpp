// A server in this process that does to its one client whatever a script says, for better or worse.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "agent-lib/support/asio_ssl.hpp"
#include "agent-lib/support/hex.hpp"
#include "tests/probe/test_certificate.hpp"

namespace rdpmend::test {

using asio::ip::tcp;
using Script = std::function<void(tcp::socket&)>;

// The script runs on a thread of the server. Every wait in a script ends when the client closes, which the probe always
// does; the accept itself ends with the server.
class ScriptedServer {
 public:
  explicit ScriptedServer(Script script, std::string_view address = "127.0.0.1")
      : acceptor_{io_, tcp::endpoint{asio::ip::make_address(address), 0}}, port_{acceptor_.local_endpoint().port()} {
    acceptor_.async_accept([script = std::move(script)](const boost::system::error_code& error, tcp::socket socket) {
      if (!error) script(socket);
    });
    thread_ = std::thread{[this] { io_.run(); }};
  }
  ~ScriptedServer() {
    asio::post(io_, [this] {
      boost::system::error_code ignored;
      acceptor_.close(ignored);
    });
    thread_.join();
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::uint16_t port_;
  std::thread thread_;
};

// --- what scripts are made of; errors mean that the client has gone, which ends a script early ---

inline std::string bytes(std::string_view hex) {
  std::string digits;
  for (const char c : hex) {
    if (c != ' ') digits += c;
  }
  return from_hex(digits).value();
}

inline void send(tcp::socket& socket, std::string_view data) {
  boost::system::error_code ignored;
  asio::write(socket, asio::buffer(data), ignored);
}

inline void drip(tcp::socket& socket, std::string_view data, std::chrono::milliseconds pause) {
  for (const char& byte : data) {
    send(socket, {&byte, 1});
    std::this_thread::sleep_for(pause);
  }
}

inline std::string read_request(tcp::socket& socket) {
  std::array<char, 19> request{};
  boost::system::error_code ignored;
  const auto size = asio::read(socket, asio::buffer(request), ignored);
  return {request.data(), size};
}

inline void read_something(tcp::socket& socket) {
  std::array<char, 4096> buffer{};
  boost::system::error_code ignored;
  socket.read_some(asio::buffer(buffer), ignored);
}

inline void wait_for_close(tcp::socket& socket) {
  std::array<char, 4096> buffer{};
  boost::system::error_code error;
  while (!error) socket.read_some(asio::buffer(buffer), error);
}

inline void send_without_end(tcp::socket& socket, std::string_view data) {
  boost::system::error_code error;
  while (!error) asio::write(socket, asio::buffer(data), error);
}

inline void reset(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(asio::socket_base::linger{true, 0}, ignored);
  socket.close(ignored);
}

inline std::string confirm(std::uint8_t protocol) {
  return bytes("03000013 0ED00000123400 02000800") + static_cast<char>(protocol) + std::string(3, '\0');
}
inline std::string failure(std::uint8_t code) {
  return bytes("03000013 0ED00000123400 03000800") + static_cast<char>(code) + std::string(3, '\0');
}

inline asio::ssl::context tls_server_context(const TestCertificate& certificate) {
  asio::ssl::context context{asio::ssl::context::tls_server};
  context.use_certificate(asio::buffer(certificate.certificate_pem), asio::ssl::context::pem);
  context.use_private_key(asio::buffer(certificate.key_pem), asio::ssl::context::pem);
  return context;
}

using TlsCheck = std::function<void(SSL*)>;

// X.224 with the given choice, then a TLS handshake, then waits for the client to close.
inline Script rdp_server(std::uint8_t protocol, std::shared_ptr<asio::ssl::context> context, TlsCheck check = {}) {
  return [=](tcp::socket& socket) {
    read_request(socket);
    send(socket, confirm(protocol));
    asio::ssl::stream<tcp::socket&> stream{socket, *context};
    boost::system::error_code error;
    stream.handshake(asio::ssl::stream_base::server, error);
    if (!error && check) check(stream.native_handle());
    wait_for_close(socket);
  };
}

}  // namespace rdpmend::test
