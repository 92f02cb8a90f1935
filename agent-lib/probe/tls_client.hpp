// TLS as the probe speaks it: tolerant of old hosts, and without judging certificates.
#pragma once

#include <string>

#include "agent-lib/support/asio_ssl.hpp"
#include "rdpmend/v1/probe.pb.h"

namespace rdpmend {

using TlsStream = asio::ssl::stream<asio::ip::tcp::socket&>;

// Throws what Boost.Asio throws when OpenSSL is out of order.
asio::ssl::context make_probe_tls_context();

// Names the host to the server (SNI), unless it is an address, for which RFC 6066 section 3 has no place.
void set_server_name(TlsStream& stream, const std::string& host);

struct TlsFailure {
  v1::ProbeOutcome outcome = v1::PROBE_OUTCOME_TLS_PROTOCOL;
  std::string cause;
};
// Why a handshake failed; not for timeouts and cancellation, which the caller knows better.
TlsFailure classify_tls_error(const boost::system::error_code& error);

// Protocol, cipher and certificate, as far as the handshake came.
void describe_tls(TlsStream& stream, v1::ProbeReport& report);

}  // namespace rdpmend
