// Who is let in, asked twice: in the TLS handshake at the front door, where a certificate that is not trusted is cut
// off, and for every call of every gRPC service, health included, before its request is read. What a caller may call is
// roles.
#pragma once

#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/auth_metadata_processor.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agent-lib/engine/engine.hpp"
#include "agent-lib/support/result.hpp"
#include "service/pki/trust_store.hpp"

namespace rdpmend {

// Who is at the other end of a connection that the front door has let in.
struct Caller {
  std::string certificate_pem;
  std::string address;
};

class CallGuard final : public grpc::AuthMetadataProcessor {
 public:
  explicit CallGuard(TrustStore& trust) : trust_(&trust) {}

  // Whether a TLS handshake with this certificate (PEM) may end well: unauthenticated says why not, for the service's
  // log, because who is cut off there can be told nothing.
  Status admit_connection(std::string_view certificate_pem);
  // Whose certificate this is, asked anew.
  Result<Identity> authenticate(std::string_view certificate_pem);

  // gRPC knows each connection by a pass of its own, a certificate (PEM), from when the front door lets it in until it
  // ends.
  void enter(const std::string& pass, Caller caller);
  void leave(const std::string& pass);
  bool has_entered(std::string_view pass);

  // The caller, for handlers. Not kept in gRPC's AuthContext: that belongs to the connection, so concurrent calls would
  // write it at once, and a revocation would not reach it.
  Result<Identity> identify(const grpc::AuthContext& context);
  Result<Caller> caller(const grpc::AuthContext& context);
  // The same as the journal names it.
  Result<Client> client(const grpc::AuthContext& context);

  // From now on every call is UNAVAILABLE; those that were let in go on.
  void refuse_new_calls() { refusing_ = true; }
  // Nobody is let in any more, and the trust store is not used any more: gRPC's credentials keep this object for
  // connections that are still being taken down.
  void close();

 private:
  // Cheap enough for gRPC's own thread.
  bool IsBlocking() const override { return false; }
  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context, OutputMetadata* consumed,
                       OutputMetadata* response) override;
  Status admit(std::string_view path, const grpc::AuthContext& context);
  Result<Identity> identify(std::string_view certificate_pem);
  Result<Identity> ask(std::string_view certificate_pem);  // Under the mutex.

  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  struct Known {
    Identity identity;
    std::chrono::steady_clock::time_point until;
  };

  std::atomic<bool> refusing_{false};
  std::mutex mutex_;
  TrustStore* trust_;  // nullptr: closed.
  // By certificate: parsing and hashing one costs more than the rest of a call. Bounded, and short-lived as a bound on
  // how late a revocation or an expiry is noticed.
  std::unordered_map<std::string, Known, Hash, std::equal_to<>> known_;
  std::unordered_map<std::string, Caller, Hash, std::equal_to<>> callers_;  // By pass.
};

}  // namespace rdpmend
