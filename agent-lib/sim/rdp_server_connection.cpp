#include "agent-lib/sim/rdp_server_connection.hpp"

#include <openssl/ssl.h>

#include <utility>

#include "agent-lib/support/log.hpp"

namespace rdpmend::sim {

namespace {

constexpr auto k_longest_connection = std::chrono::seconds{10};

asio::ssl::context make_tls_context(const SimHost::Credential& credential) {
  asio::ssl::context context{asio::ssl::context::tls_server};
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  context.use_certificate(asio::buffer(credential.certificate_der), asio::ssl::context::asn1);
  context.use_private_key(asio::buffer(credential.private_key_der), asio::ssl::context::asn1);
  return context;
}

}  // namespace

RdpServerConnection::RdpServerConnection(asio::ip::tcp::socket socket, SimHost::ListenerView view)
    : socket_(std::move(socket)), deadline_(socket_.get_executor()), view_(std::move(view)) {}

void RdpServerConnection::start() {
  deadline_.expires_after(k_longest_connection);
  deadline_.async_wait([self = shared_from_this()](const Code& cancelled) {
    if (!cancelled) self->close();
  });
  read_header();
}

void RdpServerConnection::close() {
  deadline_.cancel();
  Code ignored;
  socket_.close(ignored);
}

void RdpServerConnection::read_header() {
  request_.resize(x224_server::k_header_bytes);
  asio::async_read(socket_, asio::buffer(request_), [self = shared_from_this()](const Code& error, std::size_t) {
    if (error) return self->close();
    const auto header = std::span<const std::uint8_t>(self->request_).first<x224_server::k_header_bytes>();
    const auto length = x224_server::request_length(header);
    length ? self->read_request(*length) : self->close();
  });
}

void RdpServerConnection::read_request(std::size_t length) {
  request_.resize(length);
  const auto rest = asio::buffer(request_) + x224_server::k_header_bytes;
  asio::async_read(socket_, rest, [self = shared_from_this()](const Code& error, std::size_t) {
    error ? self->close() : self->answer();
  });
}

void RdpServerConnection::answer() {
  const auto requested = x224_server::requested_protocols(request_);
  if (!requested || view_.answer != SimHost::Answer::serve) return close();
  const auto answer = x224_server::negotiate(*requested, view_.nla_required, view_.tls_allowed);
  const bool goes_on = std::holds_alternative<x224_server::Selected>(answer);
  reply_ = x224_server::encode(answer);
  asio::async_write(socket_, asio::buffer(reply_),
                    [self = shared_from_this(), goes_on](const Code& error, std::size_t) {
                      error || !goes_on ? self->close() : self->shake_hands();
                    });
}

void RdpServerConnection::shake_hands() {
  try {
    tls_context_.emplace(make_tls_context(view_.credential));
    tls_.emplace(socket_, *tls_context_);
  } catch (const boost::system::system_error& error) {
    log::error("the rehearsed listener cannot use its certificate: {}", error.what());
    return close();
  }
  tls_->async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](const Code& error) {
    error ? self->close() : self->read_and_drop();
  });
}

void RdpServerConnection::read_and_drop() {
  tls_->async_read_some(asio::buffer(dropped_), [self = shared_from_this()](const Code& error, std::size_t) {
    error ? self->close() : self->read_and_drop();
  });
}

}  // namespace rdpmend::sim
