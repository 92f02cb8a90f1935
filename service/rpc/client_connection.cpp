#include "service/rpc/client_connection.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/support/log.hpp"
#include "service/os/machine_time.hpp"

namespace rdpmend {

using namespace std::chrono_literals;

namespace {

// So that somebody who is held back for long is looked at again meanwhile.
constexpr Duration k_longest_pause = 1s;
// A peer that has our last words closes at once.
constexpr Duration k_goodbye = 1s;

// The pass of one connection, known to gRPC for as long as it is open. Its dates are looked at by nobody.
Result<CertificateAndKey> make_pass() {
  CertificateRequest request;
  request.common_name = "connection";
  request.not_before = machine_time() - 24h;
  request.not_after = machine_time() + 24h;
  return make_certificate(request);
}

}  // namespace

ClientConnection::ClientConnection(const Surroundings& around, asio::ip::tcp::socket socket, std::string peer,
                                   std::string network)
    : around_(around),
      peer_(std::move(peer)),
      network_(std::move(network)),
      socket_(std::move(socket)),
      pause_(socket_.get_executor()) {}

void ClientConnection::begin() {
  Code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.async_wait(asio::socket_base::wait_read, [self = shared_from_this()](const Code& code) {
    if (self->phase_ != Phase::silent) return;
    if (code) return self->close();
    self->shake_hands();
  });
}

void ClientConnection::shake_hands() {
  phase_ = Phase::handshake;
  to_client_ = around_.tls.to_client(std::move(socket_), peer_);
  to_client_->async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](const Code& code) {
    if (self->phase_ != Phase::handshake) return;
    if (code) return self->close();
    self->greet();
  });
}

void ClientConnection::greet() {
  certificate_ = DoorTls::certificate_of_peer(*to_client_);
  const auto identity = around_.guard.authenticate(certificate_);
  if (!identity) return close();  // Revoked in this very moment.
  name_ = identity->name;
  std::string why;
  client_ = around_.owner.let_in(name_, why);
  if (client_ == nullptr) return cut_off(why);
  const auto pass = make_pass();
  if (!pass) {
    log::error("a connection of {} was closed: {}", name_, to_string(pass.error()));
    return close();
  }
  pass_ = pass->certificate_pem;
  around_.guard.enter(pass_, {certificate_, peer_});
  connect_grpc(*pass);
}

void ClientConnection::connect_grpc(const CertificateAndKey& own) {
  to_grpc_ = around_.tls.to_grpc(asio::ip::tcp::socket(pause_.get_executor()), own);
  if (!to_grpc_) return close();
  to_grpc_->next_layer().async_connect(around_.grpc, [self = shared_from_this()](const Code& code) {
    if (self->phase_ != Phase::handshake) return;
    if (code) return self->close();
    Code ignored;
    self->to_grpc_->next_layer().set_option(asio::ip::tcp::no_delay(true), ignored);
    self->to_grpc_->async_handshake(asio::ssl::stream_base::client, [self](const Code& failed) {
      if (self->phase_ != Phase::handshake) return;
      if (failed) return self->close();
      self->phase_ = Phase::let_in;
      self->read_client();
      self->read_grpc();
    });
  });
}

void ClientConnection::read_client() {
  to_client_->async_read_some(asio::buffer(inbound_), [self = shared_from_this()](const Code& code, std::size_t size) {
    if (self->phase_ == Phase::closed) return;
    if (code) return self->close();
    if (self->phase_ == Phase::last_words) return self->read_client();  // Until it closes; nobody listens any more.
    self->pass_on(size);
  });
}

void ClientConnection::pass_on(std::size_t size) {
  const auto pause = meter({inbound_.data(), size});
  if (!pause) return;
  asio::async_write(*to_grpc_, asio::buffer(inbound_.data(), size),
                    [self = shared_from_this(), pause = *pause](const Code&, std::size_t) {
                      // Of an error there: what gRPC said before it is still passed on, and its end seen, by reading.
                      if (self->phase_ == Phase::closed) return;
                      if (pause == Duration::zero()) return self->read_client();
                      self->pause_.expires_after(std::min(pause, k_longest_pause));
                      self->pause_.async_wait([self](const Code&) {
                        if (self->phase_ != Phase::closed) self->read_client();
                      });
                    });
}

void ClientConnection::read_grpc() {
  to_grpc_->async_read_some(asio::buffer(outbound_), [self = shared_from_this()](const Code& code, std::size_t size) {
    if (self->phase_ == Phase::closed) return;
    if (code) return self->say_goodbye();
    (void)self->from_grpc_.take({self->outbound_.data(), size}, [&](const Http2Frame& frame) {
      if (frame.type == Http2Frame::k_reset || frame.ends_stream()) self->ended(frame.stream);
    });
    self->writing_since_ = std::chrono::steady_clock::now();
    asio::async_write(*self->to_client_, asio::buffer(self->outbound_.data(), size),
                      [self](const Code& failed, std::size_t) {
                        if (self->phase_ == Phase::closed) return;
                        if (failed) return self->close();
                        self->writing_since_.reset();
                        self->read_grpc();
                      });
  });
}

// gRPC has closed its side. A client that writes to a connection that is closed just then would not read what was sent
// to it before: so it is told that nothing more comes, and closes itself.
void ClientConnection::say_goodbye() {
  phase_ = Phase::last_words;
  last_words_since_ = std::chrono::steady_clock::now();
  Code ignored;
  to_grpc_->next_layer().close(ignored);
  socket().shutdown(asio::socket_base::shutdown_send, ignored);
}

std::optional<Duration> ClientConnection::meter(std::string_view bytes) {
  const auto now = std::chrono::steady_clock::now();
  const auto& limits = around_.limits;
  Duration pause = client_->bytes.take(static_cast<double>(bytes.size()), now);
  const char* beyond = nullptr;
  const auto begun = [&](const Http2Frame& frame) {
    switch (frame.type) {
      case Http2Frame::k_data: break;
      case Http2Frame::k_headers:
        if (streams_.insert(frame.stream).second) {
          pause = std::max(pause, client_->begun.take(1, now));
          if (++client_->streams > limits.streams_per_client) beyond = "too many calls at once";
          break;
        }
        [[fallthrough]];  // Not where a call begins.
      default: pause = std::max(pause, client_->control_frames.take(1, now)); break;
      case Http2Frame::k_reset:
        ended(frame.stream);
        if (client_->resets.take(1, now) > Duration::zero()) beyond = "too many calls begun and ended early";
        break;
    }
  };
  if (!from_client_.take(bytes, begun)) {
    close();
    return std::nullopt;
  }
  if (pause == Duration::zero()) {
    held_back_since_.reset();
  } else if (!held_back_since_) {
    held_back_since_ = now;
  } else if (now - *held_back_since_ > limits.held_back) {
    beyond = "too many calls or bytes a second, for too long";
  }
  if (beyond == nullptr) return pause;
  cut_off(beyond);
  return std::nullopt;
}

void ClientConnection::ended(std::uint32_t stream) {
  if (streams_.erase(stream) != 0) --client_->streams;
}

bool ClientConnection::check(Time now) {
  const auto& limits = around_.limits;
  switch (phase_) {
    case Phase::silent:
    case Phase::handshake:
      if (now - accepted_ > limits.handshake) cut_off("the TLS handshake was not finished in time");
      return false;
    case Phase::last_words:
      if (now - *last_words_since_ > k_goodbye) close();
      return false;
    case Phase::closed: return false;
    case Phase::let_in: break;
  }
  if (writing_since_ && now - *writing_since_ > limits.unread) {
    cut_off("it does not read what it is sent");
    return false;
  }
  if (refused_since_) {
    if (now - *refused_since_ > limits.last_words) close();
    return false;
  }
  // While the trust file is damaged, calls are refused; that is no reason to end every connection.
  const auto identity = around_.guard.authenticate(certificate_);
  if (identity || identity.error().code != ErrorCode::unauthenticated) return false;
  log::warning("a connection of {} at {} ends: {}", name_, peer_, to_string(identity.error()));
  refused_since_ = now;
  return true;
}

void ClientConnection::cut_off(const std::string& reason) {
  if (phase_ == Phase::closed) return;
  around_.owner.cut_off(name_, peer_, reason);
  close();
}

void ClientConnection::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  Code ignored;
  socket().close(ignored);
  if (to_grpc_) to_grpc_->next_layer().close(ignored);
  pause_.cancel();
  if (!pass_.empty()) around_.guard.leave(pass_);
  if (client_ != nullptr) client_->streams -= streams_.size();
  streams_.clear();
  around_.owner.gone(shared_from_this(), client_);
}

}  // namespace rdpmend
