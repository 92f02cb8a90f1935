#include "service/rpc/front_door.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "agent-lib/support/address.hpp"
#include "agent-lib/support/log.hpp"

namespace rdpmend {

using namespace std::chrono_literals;

namespace {

using asio::ip::tcp;

constexpr Duration k_tick = 1s;
// When the system has no more sockets for us.
constexpr Duration k_accept_again = 1s;
// Between two lines in the log about strangers.
constexpr Duration k_quiet = 10s;
constexpr int k_backlog = 128;
// Addresses whose arrivals are counted one by one; those beyond are counted together.
constexpr std::size_t k_most_networks = 1024;

asio::ip::address plain(const asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
}

// Who has an IPv6 address has the 2^64 of its network: RFC 4291 section 2.5.4.
std::string network_of(const asio::ip::address& address) {
  if (address.is_v4()) return address.to_string();
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  return asio::ip::address_v6(bytes).to_string();
}

// A second service must not share the port and get half of the calls, nor another program take it over; but a port
// that a service that has just ended had is free at once.
void claim_alone(tcp::acceptor& acceptor, boost::system::error_code& code) {
#ifdef _WIN32
  acceptor.set_option(asio::detail::socket_option::boolean<SOL_SOCKET, SO_EXCLUSIVEADDRUSE>(true), code);
#else
  acceptor.set_option(asio::socket_base::reuse_address(true), code);
#endif
}

}  // namespace

FrontDoor::FrontDoor(Parts parts)
    : parts_(std::move(parts)),
      notes_(parts_.limited),
      thread_("rpc front door", parts_.report),
      acceptor_(thread_.executor()),
      accept_again_(thread_.executor()),
      tick_(thread_.executor()),
      arrivals_(parts_.limits.connections) {}

FrontDoor::~FrontDoor() {
  finish(std::chrono::steady_clock::now());
}

Result<std::string> FrontDoor::listen(const std::string& address) {
  const auto wanted = parse_listen_address(address);
  if (!wanted) return fail(wanted.error());
  const tcp::endpoint endpoint(asio::ip::make_address(wanted->host), *wanted->port);
  if (!tls_) {
    auto tls = DoorTls::make(parts_.keys, [this](auto pem, const auto& peer) { return admit(pem, peer); });
    if (!tls) return fail(std::move(tls.error()));
    tls_ = std::move(*tls);
  }
  Code code;
  acceptor_.close(code);
  acceptor_.open(endpoint.protocol(), code);
  if (!code) claim_alone(acceptor_, code);
  if (!code) acceptor_.bind(endpoint, code);
  if (!code) acceptor_.listen(k_backlog, code);
  const auto bound = code ? endpoint : acceptor_.local_endpoint(code);
  if (code) {
    Code ignored;
    acceptor_.close(ignored);
    return fail(ErrorCode::unavailable, fmt::format("cannot listen on {}: {}", address, code.message()));
  }
  return to_text(wanted->host, bound.port());
}

void FrontDoor::serve(std::uint16_t grpc_port) {
  around_.emplace(ClientConnection::Surroundings{
      parts_.limits, *parts_.guard, *tls_, *this, {asio::ip::address_v4::loopback(), grpc_port}});
  asio::post(thread_.executor(), [this] { accept(); });
  thread_.start();
}

void FrontDoor::stop_listening() {
  asio::post(thread_.executor(), [this] {
    Code ignored;
    acceptor_.close(ignored);
    accept_again_.cancel();
  });
}

void FrontDoor::finish(Time deadline) {
  if (std::exchange(finished_, true)) return;
  stop_listening();
  std::promise<void> ended;
  const auto all_ended = ended.get_future();
  asio::post(thread_.executor(), [this, ended = std::move(ended)]() mutable {
    if (connections_.empty()) return ended.set_value();
    ended_ = std::move(ended);
  });
  if (around_) all_ended.wait_until(deadline);
  asio::post(thread_.executor(), [this] {
    for (const auto& connection : std::vector(connections_.begin(), connections_.end())) connection->close();
    tick_.cancel();
    ticking_ = true;  // Nothing begins it again.
    notes_.finish();
  });
  thread_.finish();
}

bool FrontDoor::admit(std::string_view certificate_pem, const std::string& peer) {
  const auto admitted = parts_.guard->admit_connection(certificate_pem);
  if (admitted) return true;
  const auto now = std::chrono::steady_clock::now();
  if (now < quiet_until_) {
    ++unsaid_;
    return false;
  }
  quiet_until_ = now + k_quiet;
  const auto more = std::exchange(unsaid_, 0);
  log::warning("a connection from {} was cut off: {}{}", peer, to_string(admitted.error()),
               more == 0 ? "" : fmt::format(" ({} more before it)", more));
  return false;
}

void FrontDoor::accept() {
  if (!acceptor_.is_open()) return;
  acceptor_.async_accept([this](const Code& code, tcp::socket socket) {
    if (!acceptor_.is_open()) return;
    if (!code) {
      welcome(std::move(socket));
      return accept();
    }
    accept_again_.expires_after(k_accept_again);
    accept_again_.async_wait([this](const Code& stopped) {
      if (!stopped) accept();
    });
  });
}

void FrontDoor::welcome(tcp::socket socket) {
  Code code;
  const auto endpoint = socket.remote_endpoint(code);
  if (code) return;  // It is gone already.
  const auto address = plain(endpoint.address());
  const auto network = network_of(address);
  look_around();
  if (comes_too_often(network)) return cut_off("", address.to_string(), "connects too often");
  make_room(network);
  const auto connection = std::make_shared<ClientConnection>(*around_, std::move(socket), address.to_string(), network);
  connections_.push_back(connection);
  connection->begin();
}

bool FrontDoor::comes_too_often(const std::string& network) {
  const auto now = std::chrono::steady_clock::now();
  const bool many = arrivals_of_.size() >= k_most_networks && !arrivals_of_.contains(network);
  auto& of_network = arrivals_of_.try_emplace(many ? "" : network, parts_.limits.connections_per_address).first->second;
  // Who is turned away has used up nothing, neither of what is left to others nor of what comes: else those who share
  // an address with somebody who keeps knocking would be kept out for long after.
  const auto turned_away = [now](RateLimit& limit) {
    if (limit.take(1, now) == Duration::zero()) return false;
    limit.take(-1, now);
    return true;
  };
  return turned_away(of_network) || turned_away(arrivals_);
}

void FrontDoor::make_room(const std::string& network) {
  std::size_t all = 0;
  std::size_t of_network = 0;
  std::shared_ptr<ClientConnection> oldest;
  std::shared_ptr<ClientConnection> oldest_of_network;
  for (const auto& connection : connections_) {
    if (connection->let_in()) continue;
    ++all;
    if (!oldest) oldest = connection;
    if (connection->network() != network) continue;
    ++of_network;
    if (!oldest_of_network) oldest_of_network = connection;
  }
  if (of_network >= parts_.limits.handshakes_per_address) {
    oldest_of_network->cut_off("too many TLS handshakes under way from its address");
  } else if (all >= parts_.limits.handshakes) {
    oldest->cut_off("too many TLS handshakes under way");
  }
}

ClientUse* FrontDoor::let_in(const std::string& client, std::string& why) {
  auto& use = clients_.try_emplace(client, parts_.limits).first->second;
  if (use.connections >= parts_.limits.connections_per_client) {
    why = "too many connections of one client";
    return nullptr;
  }
  if (clients_connections_ >= parts_.limits.clients_connections) {
    why = "too many connections of all clients";
    return nullptr;
  }
  ++use.connections;
  ++clients_connections_;
  return &use;
}

void FrontDoor::cut_off(const std::string& client, const std::string& peer, const std::string& reason) {
  notes_.note(client, peer, reason, std::chrono::steady_clock::now());
  look_around();
}

void FrontDoor::gone(const std::shared_ptr<ClientConnection>& connection, ClientUse* client) {
  if (client != nullptr) {
    --client->connections;
    --clients_connections_;
  }
  connections_.remove(connection);
  if (!connections_.empty() || !ended_) return;
  ended_->set_value();
  ended_.reset();
}

// While there is anything to look after; else the front door sleeps until somebody comes.
void FrontDoor::look_around() {
  if (std::exchange(ticking_, true)) return;
  tick_.expires_after(k_tick);
  tick_.async_wait([this](const Code& stopped) {
    if (stopped) return;
    ticking_ = false;
    tick();
  });
}

void FrontDoor::tick() {
  const auto now = std::chrono::steady_clock::now();
  bool refused = false;
  for (const auto& connection : std::vector(connections_.begin(), connections_.end()))
    refused = connection->check(now) || refused;
  if (refused) parts_.refused();
  std::erase_if(arrivals_of_, [&](const auto& one) { return one.second.rested(now); });
  const bool more = notes_.flush(now);
  if (more || !connections_.empty() || !arrivals_of_.empty()) look_around();
}

}  // namespace rdpmend
