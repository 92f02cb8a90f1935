// An RDP client's first steps with nothing but sockets and OpenSSL: shares no line with the probe, so that both being
// wrong alike cannot go unseen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace rdpmend::e2e {

struct SeenCertificate {
  std::string sha256;  // Upper-case hex of the DER's.
  bool valid_now = false;
};

// Connects to 127.0.0.2, asks for TLS by X.224, and shakes hands. nullopt: it did not come that far.
std::optional<SeenCertificate> see_certificate(std::uint16_t port);

// Of a DER.
std::string sha256_of(const std::string& der);

}  // namespace rdpmend::e2e
