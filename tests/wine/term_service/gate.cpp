#include "tests/wine/term_service/gate.hpp"

namespace rdpmend::lab {

Gate::Gate(asio::io_context& io, const std::string& address, std::uint16_t port, OnConnection on_connection)
    : acceptor_(io), endpoint_(asio::ip::make_address(address), port), on_connection_(std::move(on_connection)) {}

bool Gate::set_open(bool open) {
  if (open == acceptor_.is_open()) return true;
  boost::system::error_code error;
  if (!open) {
    acceptor_.close(error);
    return true;
  }
  acceptor_.open(endpoint_.protocol(), error);
  if (!error) acceptor_.set_option(asio::ip::tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint_, error);
  if (!error) acceptor_.listen(asio::ip::tcp::acceptor::max_listen_connections, error);
  if (!error) {
    accept_next();
    return true;
  }
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  return false;
}

void Gate::accept_next() {
  acceptor_.async_accept([this](const boost::system::error_code& error, asio::ip::tcp::socket socket) {
    if (!acceptor_.is_open()) return;
    if (!error) on_connection_(std::move(socket));
    accept_next();
  });
}

}  // namespace rdpmend::lab
