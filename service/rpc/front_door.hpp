// Where clients come in. Only who is trusted gets past it and only within the limits; gRPC listens behind it, on this
// machine's loopback, and lets in nobody but the front door. So neither strangers nor clients that run wild reach
// gRPC's parsers, and a connection can be ended whenever its client is not trusted any more.
#pragma once

#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "service/os/guarded_thread.hpp"
#include "service/rpc/client_connection.hpp"
#include "service/rpc/limit_notes.hpp"

namespace rdpmend {

class FrontDoor final : private ConnectionOwner {
 public:
  struct Parts {
    std::shared_ptr<CallGuard> guard;
    ServerKeys keys;
    ConnectionLimits limits;
    // Both on the front door's thread; must return at once.
    LimitNotes::Write limited;
    std::function<void()> refused;  // A client that has a connection is not trusted any more.
    GuardedThread::Report report;
  };
  explicit FrontDoor(Parts parts);
  ~FrontDoor() override;

  const ConnectionLimits& limits() const { return parts_.limits; }

  // Takes the address; ADDRESS:PORT as it is then. To be tried again after an error.
  Result<std::string> listen(const std::string& address);
  // From now on connections are accepted, and passed on to this port.
  void serve(std::uint16_t grpc_port);
  void stop_listening();
  // Lets connections end until the deadline, closes those that are left, and joins.
  void finish(std::chrono::steady_clock::time_point deadline);

 private:
  using Code = boost::system::error_code;
  using Time = std::chrono::steady_clock::time_point;

  ClientUse* let_in(const std::string& client, std::string& why) override;
  void cut_off(const std::string& client, const std::string& peer, const std::string& reason) override;
  void gone(const std::shared_ptr<ClientConnection>& connection, ClientUse* client) override;

  bool admit(std::string_view certificate_pem, const std::string& peer);
  void accept();
  void welcome(asio::ip::tcp::socket socket);
  bool comes_too_often(const std::string& network);
  void make_room(const std::string& network);
  void look_around();
  void tick();

  Parts parts_;
  LimitNotes notes_;
  GuardedThread thread_;
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer accept_again_;
  asio::steady_timer tick_;
  bool ticking_ = false;
  std::unique_ptr<DoorTls> tls_;
  std::optional<ClientConnection::Surroundings> around_;

  std::list<std::shared_ptr<ClientConnection>> connections_;  // From the oldest.
  std::map<std::string, ClientUse> clients_;                  // By name: as many as the trust file has.
  std::size_t clients_connections_ = 0;
  RateLimit arrivals_;
  std::map<std::string, RateLimit> arrivals_of_;  // By network.
  Time quiet_until_{};                            // Strangers choose how often they come: they must not fill the log.
  std::uint64_t unsaid_ = 0;
  std::optional<std::promise<void>> ended_;  // While somebody waits for the last connection's end.
  bool finished_ = false;
};

}  // namespace rdpmend
