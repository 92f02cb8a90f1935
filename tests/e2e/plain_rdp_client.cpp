#include "tests/e2e/plain_rdp_client.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "agent-lib/support/openssl.hpp"

namespace rdpmend::e2e {
namespace {

class Connection {
 public:
  explicit Connection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, "127.0.0.2", &address.sin_addr);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~Connection() { ::close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // MS-RDPBCGR 4.1.1 and 4.1.2, with requestedProtocols TLS and CredSSP and no cookie.
  bool negotiate() const {
    constexpr std::array<unsigned char, 19> k_request{0x03, 0x00, 0x00, 0x13, 0x0e, 0xe0, 0x00, 0x00, 0x00, 0x00,
                                                      0x00, 0x01, 0x00, 0x08, 0x00, 0x03, 0x00, 0x00, 0x00};
    std::array<unsigned char, 19> confirm{};
    constexpr auto k_size = static_cast<ssize_t>(k_request.size());
    if (!connected_ || ::send(socket_, k_request.data(), k_request.size(), MSG_NOSIGNAL) != k_size) return false;
    if (::recv(socket_, confirm.data(), confirm.size(), MSG_WAITALL) != k_size) return false;
    constexpr unsigned char k_connection_confirm = 0xd0;
    constexpr unsigned char k_negotiation_response = 0x02;
    return confirm[5] == k_connection_confirm && confirm[11] == k_negotiation_response;
  }
  int socket() const { return socket_; }

 private:
  int socket_;
  bool connected_ = false;
};

std::string der_of(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  std::string der{reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
  OPENSSL_free(bytes);
  return der;
}

}  // namespace

std::string sha256_of(const std::string& der) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(der.data(), der.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02X}", digest[i]);
  return hex;
}

std::optional<SeenCertificate> see_certificate(std::uint16_t port) {
  const Connection connection{port};
  if (!connection.negotiate()) return std::nullopt;
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls{SSL_new(context.get()), SSL_free};
  SSL_set_fd(tls.get(), connection.socket());
  if (SSL_connect(tls.get()) != 1) return std::nullopt;
  const openssl::X509Certificate certificate{SSL_get1_peer_certificate(tls.get())};
  if (!certificate) return std::nullopt;
  return SeenCertificate{sha256_of(der_of(certificate.get())),
                         X509_cmp_current_time(X509_get0_notBefore(certificate.get())) < 0 &&
                             X509_cmp_current_time(X509_get0_notAfter(certificate.get())) > 0};
}

}  // namespace rdpmend::e2e
