// Keys and X.509 certificates of the simulated host, made and read with OpenSSL.
#pragma once

#include <cstdint>
#include <string>

#include "agent-lib/host/certificate_stores.hpp"
#include "agent-lib/support/time.hpp"
#include "rdpmend/v1/probe.pb.h"

namespace rdpmend::sim {

struct KeyPair {
  std::string private_der;  // PKCS#8
  std::string public_der;   // SubjectPublicKeyInfo
};

// rsa: RSA 2048 as Windows makes it; else EC P-256, a thousand times quicker.
KeyPair make_key_pair(bool rsa);

struct CertificateRequest {
  std::string common_name;
  WallTime not_before{};
  WallTime not_after{};
  std::uint64_t serial = 1;
};

// Self-signed with SHA-256, Server Authentication, key usage 0xB0, as SessionEnv makes it. DER.
std::string make_self_signed(const KeyPair& key, const CertificateRequest& request);

// invalid_argument: not an X.509 certificate. Container and provider are left empty.
Result<Certificate> read_certificate(const std::string& der);
// SubjectPublicKeyInfo of a certificate; empty if it cannot be read.
std::string public_key_of(const std::string& certificate_der);
v1::ServedCertificate served_certificate(const std::string& der);

}  // namespace rdpmend::sim
