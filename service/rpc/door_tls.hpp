// TLS on both sides of the front door: towards clients, whose certificates the call guard judges within the handshake,
// and towards gRPC, which knows each connection by a certificate that was made for it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent-lib/support/asio_ssl.hpp"
#include "agent-lib/support/result.hpp"
#include "service/pki/certificate.hpp"

namespace rdpmend {

struct ServerKeys {
  std::string certificate_pem;
  std::string key_pem;
};

class DoorTls {
 public:
  using Stream = asio::ssl::stream<asio::ip::tcp::socket>;
  // Whether the handshake with a peer at this address and with this certificate (PEM) may end well. From the thread of
  // the handshake.
  using Admit = std::function<bool(std::string_view certificate_pem, const std::string& peer)>;

  static Result<std::unique_ptr<DoorTls>> make(const ServerKeys& keys, Admit admit);

  // `peer` outlives the stream.
  std::unique_ptr<Stream> to_client(asio::ip::tcp::socket socket, const std::string& peer);
  // Nullptr: out of memory.
  std::unique_ptr<Stream> to_grpc(asio::ip::tcp::socket socket, const CertificateAndKey& own);
  // PEM. Empty: it presented none.
  static std::string certificate_of_peer(Stream& stream);

 private:
  DoorTls(std::string server_certificate, Admit admit);

  const Admit admit_client_;
  const Admit admit_grpc_;
  asio::ssl::context client_side_;
  asio::ssl::context grpc_side_;
};

}  // namespace rdpmend
