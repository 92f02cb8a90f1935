// One connection at the front door: silent, then in the TLS handshake, then of a client that is let in and whose bytes
// are passed on to gRPC and back, within the client's limits.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "service/rpc/call_guard.hpp"
#include "service/rpc/connection_limits.hpp"
#include "service/rpc/door_tls.hpp"
#include "service/rpc/frame_reader.hpp"

namespace rdpmend {

// What all connections of one client have used. Kept when they end: who connects anew begins nothing anew.
struct ClientUse {
  explicit ClientUse(const ConnectionLimits& limits)
      : begun(limits.streams), bytes(limits.bytes), resets(limits.resets), control_frames(limits.control_frames) {}

  std::size_t connections = 0;
  std::size_t streams = 0;
  RateLimit begun;
  RateLimit bytes;
  RateLimit resets;
  RateLimit control_frames;
};

class ClientConnection;

// Whom a connection tells what becomes of it.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  // What the client has used so far; nullptr: it may not have another connection, and `why` says so.
  virtual ClientUse* let_in(const std::string& client, std::string& why) = 0;
  virtual void cut_off(const std::string& client, const std::string& peer, const std::string& reason) = 0;
  virtual void gone(const std::shared_ptr<ClientConnection>& connection, ClientUse* client) = 0;
};

// Of the front door's thread.
class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Outlives every connection.
  struct Surroundings {
    const ConnectionLimits& limits;
    CallGuard& guard;
    DoorTls& tls;
    ConnectionOwner& owner;
    asio::ip::tcp::endpoint grpc;
  };

  ClientConnection(const Surroundings& around, asio::ip::tcp::socket socket, std::string peer, std::string network);

  void begin();
  // Once in a while: ends what takes too long. True: the client is not trusted any more, since now.
  bool check(Time now);
  void cut_off(const std::string& reason);
  void close();

  // Whose count it is in before it is let in: the peer's address, or an IPv6 peer's network.
  const std::string& network() const { return network_; }
  bool let_in() const { return client_ != nullptr; }

 private:
  using Code = boost::system::error_code;
  enum class Phase { silent, handshake, let_in, last_words, closed };

  void shake_hands();
  void greet();
  void connect_grpc(const CertificateAndKey& own);
  void read_client();
  void pass_on(std::size_t size);
  void read_grpc();
  void say_goodbye();
  // How long to wait before more is read; nullopt: it was cut off.
  std::optional<Duration> meter(std::string_view bytes);
  void ended(std::uint32_t stream);
  asio::ip::tcp::socket& socket() { return to_client_ ? to_client_->next_layer() : socket_; }

  const Surroundings& around_;
  const std::string peer_;
  const std::string network_;
  const Time accepted_ = std::chrono::steady_clock::now();
  Phase phase_ = Phase::silent;
  asio::ip::tcp::socket socket_;  // Until TLS begins: a connection that says nothing costs no more.
  std::unique_ptr<DoorTls::Stream> to_client_;
  std::unique_ptr<DoorTls::Stream> to_grpc_;
  asio::steady_timer pause_;

  // --- once it is let in ---
  std::string certificate_;  // The client's.
  std::string name_;
  std::string pass_;  // The certificate by which gRPC and the call guard know this connection.
  ClientUse* client_ = nullptr;
  FrameReader from_client_{FrameReader::From::client};
  FrameReader from_grpc_{FrameReader::From::server};
  std::unordered_set<std::uint32_t> streams_;  // Begun, and not ended by either side.
  std::array<char, 16 * 1024> inbound_{};
  std::array<char, 16 * 1024> outbound_{};
  std::optional<Time> held_back_since_;
  std::optional<Time> writing_since_;
  std::optional<Time> refused_since_;
  std::optional<Time> last_words_since_;
};

}  // namespace rdpmend
