// gRPC listens on this machine's loopback, where every local program may connect: whoever is not the front door is cut
// off in the TLS handshake, because gRPC begins to read HTTP/2 only after it.
#pragma once

#include <grpcpp/security/tls_certificate_verifier.h>

#include <memory>

#include "service/rpc/call_guard.hpp"

namespace rdpmend {

class HandshakeGate final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  explicit HandshakeGate(std::shared_ptr<CallGuard> guard) : guard_(std::move(guard)) {}

 private:
  using Request = grpc::experimental::TlsCustomVerificationCheckRequest;

  // At once: the answer is in memory.
  bool Verify(Request* request, std::function<void(grpc::Status)>, grpc::Status* answer) override {
    const auto pass = request->peer_cert();
    if (!guard_->has_entered({pass.data(), pass.size()}))
      *answer = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "only the front door connects here");
    return true;
  }
  void Cancel(Request*) override {}

  const std::shared_ptr<CallGuard> guard_;
};

}  // namespace rdpmend
