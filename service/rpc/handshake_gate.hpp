// Cuts strangers off in the TLS handshake: gRPC begins to read HTTP/2 only after it, so that no flaw of its parsers is
// within reach of whoever is not trusted already (service/SECURITY.md).
#pragma once

#include <grpcpp/security/tls_certificate_verifier.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>

#include "service/rpc/call_guard.hpp"

namespace rdpmend {

class HandshakeGate final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  explicit HandshakeGate(std::shared_ptr<CallGuard> guard) : guard_(std::move(guard)) {}

 private:
  using Request = grpc::experimental::TlsCustomVerificationCheckRequest;

  // At once: the answer is in memory, or in one small file.
  bool Verify(Request* request, std::function<void(grpc::Status)> callback, grpc::Status* answer) override;
  void Cancel(Request*) override {}
  void note(const Error& why);

  const std::shared_ptr<CallGuard> guard_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point quiet_until_{};
  std::uint64_t unsaid_ = 0;  // Refusals since the last line in the log.
};

}  // namespace rdpmend
