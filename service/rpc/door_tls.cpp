#include "service/rpc/door_tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>

#include "agent-lib/support/openssl.hpp"

namespace rdpmend {

namespace {

constexpr unsigned char k_h2[] = {2, 'h', '2'};
// A self-signed certificate has about 1 KiB; OpenSSL would take 100.
constexpr long k_max_certificates_bytes = 16 * 1024;

std::string pem_of(X509* certificate) {
  const openssl::Bio bio(BIO_new(BIO_s_mem()));
  if (certificate == nullptr || !bio || PEM_write_bio_X509(bio.get(), certificate) != 1) return {};
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

// Where a connection keeps who its peer is.
int peer_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// Instead of OpenSSL's own verification, which would build chains out of what a stranger sent: a certificate is pinned
// here or it is not.
int verify(X509_STORE_CTX* store, void* admit) {
  const auto pem = pem_of(X509_STORE_CTX_get0_cert(store));
  const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* peer = static_cast<const std::string*>(SSL_get_ex_data(ssl, peer_index()));
  const bool admitted =
      !pem.empty() && (*static_cast<const DoorTls::Admit*>(admit))(pem, peer == nullptr ? std::string() : *peer);
  X509_STORE_CTX_set_error(store, admitted ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
  return admitted ? 1 : 0;
}

int choose_h2(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
              unsigned int offered_size, void*) {
  for (unsigned int at = 0; at + sizeof(k_h2) <= offered_size; at += 1U + offered[at]) {
    if (!std::equal(std::begin(k_h2), std::end(k_h2), offered + at)) continue;
    *chosen = offered + at + 1;
    *size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// TLS 1.2 with forward secrecy and authenticated encryption only, or 1.3; every connection proves its key anew.
bool harden(SSL_CTX* context) {
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context, k_max_certificates_bytes);
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 && SSL_CTX_set_num_tickets(context, 0) == 1 &&
         SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1;
}

}  // namespace

DoorTls::DoorTls(std::string server_certificate, Admit admit)
    : admit_client_(std::move(admit)),
      // Another program may have taken gRPC's port.
      admit_grpc_([pem = std::move(server_certificate)](std::string_view presented, const std::string&) {
        return presented == pem;
      }),
      client_side_(asio::ssl::context::tls_server),
      grpc_side_(asio::ssl::context::tls_client) {}

Result<std::unique_ptr<DoorTls>> DoorTls::make(const ServerKeys& keys, Admit admit) {
  // As OpenSSL writes it, to compare with.
  const auto own = openssl::read_certificate(keys.certificate_pem);
  std::unique_ptr<DoorTls> tls(new DoorTls(pem_of(own.get()), std::move(admit)));
  boost::system::error_code code;
  tls->client_side_.use_certificate_chain(asio::buffer(keys.certificate_pem), code);
  if (!code) tls->client_side_.use_private_key(asio::buffer(keys.key_pem), asio::ssl::context::pem, code);
  if (code || !own)
    return fail(ErrorCode::corrupt, "cannot use the service's certificate and key: " + code.message(),
                "Make them anew: rdpmendd init-pki");
  auto* clients = tls->client_side_.native_handle();
  auto* grpc = tls->grpc_side_.native_handle();
  if (!harden(clients) || !harden(grpc) || SSL_CTX_set_alpn_protos(grpc, k_h2, sizeof(k_h2)) != 0)
    return fail(ErrorCode::internal, "OpenSSL does not take the settings of the service's connections");
  SSL_CTX_set_alpn_select_cb(clients, choose_h2, nullptr);
  SSL_CTX_set_verify(clients, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_verify(grpc, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(clients, verify, const_cast<Admit*>(&tls->admit_client_));
  SSL_CTX_set_cert_verify_callback(grpc, verify, const_cast<Admit*>(&tls->admit_grpc_));
  return tls;
}

std::unique_ptr<DoorTls::Stream> DoorTls::to_client(asio::ip::tcp::socket socket, const std::string& peer) {
  auto stream = std::make_unique<Stream>(std::move(socket), client_side_);
  SSL_set_ex_data(stream->native_handle(), peer_index(), const_cast<std::string*>(&peer));
  return stream;
}

std::unique_ptr<DoorTls::Stream> DoorTls::to_grpc(asio::ip::tcp::socket socket, const CertificateAndKey& own) {
  auto stream = std::make_unique<Stream>(std::move(socket), grpc_side_);
  const auto certificate = openssl::read_certificate(own.certificate_pem);
  const auto key = openssl::read_private_key(own.key_pem);
  if (!certificate || !key || SSL_use_certificate(stream->native_handle(), certificate.get()) != 1 ||
      SSL_use_PrivateKey(stream->native_handle(), key.get()) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return stream;
}

std::string DoorTls::certificate_of_peer(Stream& stream) {
  return pem_of(SSL_get0_peer_certificate(stream.native_handle()));
}

}  // namespace rdpmend
