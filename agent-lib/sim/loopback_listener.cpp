#include "agent-lib/sim/loopback_listener.hpp"

#include <fmt/format.h>

#include <list>
#include <mutex>
#include <thread>

#include "agent-lib/sim/rdp_server_connection.hpp"
#include "agent-lib/support/asio.hpp"
#include "agent-lib/support/log.hpp"

namespace rdpmend::sim {

namespace {

using asio::ip::tcp;
using Code = boost::system::error_code;

constexpr std::string_view k_loopback = "127.0.0.1";
constexpr std::string_view k_outside = "127.0.0.2";
constexpr std::string_view k_own_address = "127.0.0.3";
constexpr std::size_t k_max_connections = 64;
constexpr int k_max_port_tries = 32;
constexpr auto k_pause_after_error = std::chrono::milliseconds{100};

// One address of the listener. Open: it listens. Closed: connections are refused, but the port stays ours.
class Gate {
 public:
  using OnConnection = std::function<void(tcp::socket)>;

  Gate(asio::io_context& io, OnConnection on_connection)
      : acceptor_(io), reservation_(io), pause_(io), on_connection_(std::move(on_connection)) {}

  // A socket that is bound and does not listen keeps the port from others.
  Code reserve(const tcp::endpoint& endpoint) {
    Code error;
    reservation_.close(error);
    bind(reservation_, endpoint, error);
    if (!error) endpoint_ = reservation_.local_endpoint(error);
    return error;
  }
  std::uint16_t port() const { return endpoint_.port(); }

  // Thread-safe, and done when it returns: whoever has just enabled a firewall rule may probe at once.
  void set_open(bool open) {
    const std::scoped_lock lock(mutex_);
    if (open == acceptor_.is_open()) return;
    ++opening_;
    Code error;
    if (open) {
      bind(acceptor_, endpoint_, error);
      if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
      if (!error) return accept_next(opening_);
      log::error("the rehearsed listener cannot listen on {}:{}: {}", endpoint_.address().to_string(), port(),
                 error.message());
    }
    acceptor_.close(error);
  }

 private:
  static void bind(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, Code& error) {
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
  }

  // With mutex_ held.
  void accept_next(std::uint64_t opening) {
    acceptor_.async_accept([this, opening](const Code& error, tcp::socket socket) {
      if (!error) on_connection_(std::move(socket));
      if (error && error != asio::error::operation_aborted) return go_on_later(opening);
      go_on(opening);
    });
  }
  // Unless the gate was closed since.
  void go_on(std::uint64_t opening) {
    const std::scoped_lock lock(mutex_);
    if (opening == opening_) accept_next(opening);
  }
  // Out of file descriptors, as a rule: not to be tried in a circle.
  void go_on_later(std::uint64_t opening) {
    pause_.expires_after(k_pause_after_error);
    pause_.async_wait([this, opening](const Code& cancelled) {
      if (!cancelled) go_on(opening);
    });
  }

  std::mutex mutex_;
  tcp::acceptor acceptor_;
  std::uint64_t opening_ = 0;
  tcp::acceptor reservation_;
  asio::steady_timer pause_;
  tcp::endpoint endpoint_;
  OnConnection on_connection_;
};

}  // namespace

class LoopbackListener::Impl {
 public:
  explicit Impl(SimHost& host) : host_(host) {}
  ~Impl() {
    host_.set_on_change({});
    io_.stop();
  }

  Status reserve(std::uint16_t port);
  void start();
  std::uint16_t port() const { return loopback_.port(); }

 private:
  void follow_host();
  void serve(Vantage from, tcp::socket socket);
  void close_connections();

  SimHost& host_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  Gate loopback_{io_, [this](tcp::socket socket) { serve(Vantage::loopback, std::move(socket)); }};
  Gate own_address_{io_, [this](tcp::socket socket) { serve(Vantage::own_address, std::move(socket)); }};
  Gate outside_{io_, [this](tcp::socket socket) { serve(Vantage::outside, std::move(socket)); }};
  std::list<std::weak_ptr<RdpServerConnection>> connections_;  // On the thread.
  std::jthread thread_;                                        // Last: joined before what it uses is gone.
};

Status LoopbackListener::Impl::reserve(std::uint16_t port) {
  Code error;
  for (int tries = 0; tries < k_max_port_tries; ++tries) {
    error = loopback_.reserve({asio::ip::make_address(k_loopback), port});
    if (!error) error = own_address_.reserve({asio::ip::make_address(k_own_address), loopback_.port()});
    if (!error) error = outside_.reserve({asio::ip::make_address(k_outside), loopback_.port()});
    if (!error) return {};
    if (port != 0) break;
  }
  return fail({ErrorCode::unavailable,
               fmt::format("cannot listen on port {} of {}, {} and {}: {}", port, k_loopback, k_own_address, k_outside,
                           error.message()),
               "Choose another port, or 0 for any that is free.", OsError{"errno", error.value()}});
}

void LoopbackListener::Impl::start() {
  host_.set_on_change([this] { follow_host(); });
  follow_host();
  thread_ = std::jthread([this] { io_.run(); });
}

void LoopbackListener::Impl::follow_host() {
  const bool listens = host_.reachable(Vantage::loopback);
  loopback_.set_open(listens);
  own_address_.set_open(listens);
  outside_.set_open(host_.reachable(Vantage::outside));
  if (!listens) asio::post(io_, [this] { close_connections(); });
}

void LoopbackListener::Impl::serve(Vantage from, tcp::socket socket) {
  Code error;
  const auto client = socket.remote_endpoint(error);
  std::erase_if(connections_, [](const auto& connection) { return connection.expired(); });
  if (error || connections_.size() >= k_max_connections) return;
  auto view = host_.accept(from, client.address().to_string(), client.port());
  if (view.answer == SimHost::Answer::refuse) return;
  const auto connection = std::make_shared<RdpServerConnection>(std::move(socket), std::move(view));
  connections_.push_back(connection);
  connection->start();
}

void LoopbackListener::Impl::close_connections() {
  for (const auto& weak : connections_) {
    if (const auto connection = weak.lock()) connection->close();
  }
  connections_.clear();
}

LoopbackListener::LoopbackListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LoopbackListener::~LoopbackListener() = default;

Result<std::unique_ptr<LoopbackListener>> LoopbackListener::open(SimHost& host, std::uint16_t port) {
  auto impl = std::make_unique<Impl>(host);
  if (auto status = impl->reserve(port); !status) return fail(std::move(status).error());
  host.set_listener_address(std::string(k_loopback), std::string(k_own_address), impl->port());
  impl->start();
  return std::unique_ptr<LoopbackListener>(new LoopbackListener(std::move(impl)));
}

std::uint16_t LoopbackListener::port() const {
  return impl_->port();
}
std::string LoopbackListener::loopback_address() const {
  return std::string(k_loopback);
}
std::string LoopbackListener::own_address() const {
  return std::string(k_own_address);
}
std::string LoopbackListener::outside_address() const {
  return std::string(k_outside);
}

}  // namespace rdpmend::sim
