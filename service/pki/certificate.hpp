// Certificates as the service makes and reads them: EC P-256, self-signed, trusted by fingerprint and never by issuer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "agent-lib/support/time.hpp"

namespace rdpmend {

struct CertificateRequest {
  enum class Usage { server, client };
  Usage usage = Usage::client;
  std::string common_name;
  std::vector<std::string> dns_names;
  std::vector<std::string> addresses;  // IPv4 or IPv6 literals.
  WallTime not_before{};
  WallTime not_after{};
};

struct CertificateAndKey {
  std::string certificate_pem;
  std::string key_pem;  // PKCS #8, not encrypted: file permissions guard it.
};

Result<CertificateAndKey> make_certificate(const CertificateRequest& request);

struct CertificateFacts {
  std::string sha256;       // Of the DER: 64 upper-case hex digits.
  std::string common_name;  // Empty: none.
  WallTime not_before{};
  WallTime not_after{};
};

// The first certificate of a PEM text. A peer's is hostile input: at most 64 KiB are looked at.
Result<CertificateFacts> parse_certificate(std::string_view pem);
// conflict: the key is not the certificate's.
Status check_key_matches(std::string_view certificate_pem, std::string_view key_pem);

}  // namespace rdpmend
