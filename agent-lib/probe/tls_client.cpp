#include "agent-lib/probe/tls_client.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "agent-lib/probe/served_certificate.hpp"
#include "agent-lib/support/openssl.hpp"

namespace rdpmend {

asio::ssl::context make_probe_tls_context() {
  asio::ssl::context context{asio::ssl::context::tls_client};
  auto* native = context.native_handle();
  // The probe tells what a host offers, and hosts up to Server 2008 R2 offer TLS 1.0 with SHA-1 signatures, which
  // OpenSSL allows at security level 0 only. Nothing secret is ever sent on this connection.
  SSL_CTX_set_security_level(native, 0);
  SSL_CTX_set_min_proto_version(native, TLS1_VERSION);
  SSL_CTX_set_cipher_list(native, "DEFAULT:@SECLEVEL=0");
  SSL_CTX_set_options(native, SSL_OP_LEGACY_SERVER_CONNECT);
  // An RDP listener's certificate is self-signed as a rule. Whether it is the right one is judged by its thumbprint.
  context.set_verify_mode(asio::ssl::verify_none);
  return context;
}

void set_server_name(TlsStream& stream, const std::string& host) {
  boost::system::error_code not_an_address;
  asio::ip::make_address(host, not_an_address);
  if (!not_an_address) return;
  SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
           const_cast<char*>(host.c_str()));
}

TlsFailure classify_tls_error(const boost::system::error_code& error) {
  if (error.category() == asio::error::get_ssl_category()) {
    // Alerts of the peer have the reasons SSL_AD_REASON_OFFSET + alert number: SSL_get_error(3), ssl.h.
    const int reason = ERR_GET_REASON(static_cast<unsigned long>(error.value()));
    if (reason >= SSL_AD_REASON_OFFSET) {
      return {v1::PROBE_OUTCOME_TLS_ALERT, SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET)};
    }
    return {v1::PROBE_OUTCOME_TLS_PROTOCOL, error.message()};
  }
  return {v1::PROBE_OUTCOME_TLS_CLOSED, error.message()};
}

void describe_tls(TlsStream& stream, v1::ProbeReport& report) {
  auto* native = stream.native_handle();
  if (const openssl::X509Certificate certificate{SSL_get1_peer_certificate(native)}) {
    *report.mutable_certificate() = describe_certificate(*certificate);
  }
  if (!SSL_is_init_finished(native)) return;
  report.set_tls_protocol(SSL_get_version(native));
  report.set_tls_cipher(SSL_get_cipher_name(native));
}

}  // namespace rdpmend
