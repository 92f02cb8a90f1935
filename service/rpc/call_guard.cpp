#include "service/rpc/call_guard.hpp"

#include <grpc/grpc_security_constants.h>

#include "service/os/machine_time.hpp"
#include "service/rpc/roles.hpp"
#include "service/rpc/status_map.hpp"

namespace rdpmend {

namespace {

constexpr std::size_t k_max_known = 256;
constexpr std::chrono::seconds k_known_for{1};

std::string_view view(const grpc::string_ref& text) {
  return {text.data(), text.size()};
}

// Who is not let in is told why, but not what is wrong inside: that is in the service's log.
Error for_strangers(const Error& error) {
  switch (error.code) {
    case ErrorCode::unauthenticated:
    case ErrorCode::denied:
    case ErrorCode::unavailable: return error;
    default:
      return {error.code, "the trust file of this host cannot be used", "See the service's log on the host.", {}};
  }
}

}  // namespace

grpc::Status CallGuard::Process(const InputMetadata& metadata, grpc::AuthContext* context, OutputMetadata*,
                                OutputMetadata*) {
  const auto path = metadata.find(":path");
  const auto admitted = admit(path == metadata.end() ? std::string_view{} : view(path->second), *context);
  if (admitted) return grpc::Status::OK;
  // gRPC sends no details for a call refused here, so the hint goes into the message.
  return to_grpc_status({admitted.error().code, to_string(for_strangers(admitted.error())), {}, {}});
}

Status CallGuard::admit_connection(std::string_view certificate_pem) {
  const auto identity = authenticate(certificate_pem);
  return identity ? Status{} : fail(identity.error());
}

Result<Identity> CallGuard::authenticate(std::string_view certificate_pem) {
  const std::scoped_lock lock(mutex_);
  return ask(certificate_pem);
}

void CallGuard::enter(const std::string& pass, Caller caller) {
  const std::scoped_lock lock(mutex_);
  callers_.insert_or_assign(pass, std::move(caller));
}

void CallGuard::leave(const std::string& pass) {
  const std::scoped_lock lock(mutex_);
  callers_.erase(pass);
}

bool CallGuard::has_entered(std::string_view pass) {
  const std::scoped_lock lock(mutex_);
  return callers_.contains(pass);
}

void CallGuard::close() {
  const std::scoped_lock lock(mutex_);
  trust_ = nullptr;
  known_.clear();
}

Status CallGuard::admit(std::string_view path, const grpc::AuthContext& context) {
  if (refusing_) return fail(ErrorCode::unavailable, "service is stopping", "Try again later.");
  const auto caller = identify(context);
  if (!caller) return fail(caller.error());
  return check_role(*caller, path, required_role(path));
}

Result<Identity> CallGuard::identify(const grpc::AuthContext& context) {
  const auto from = caller(context);
  if (!from) return fail(from.error());
  return identify(from->certificate_pem);
}

Result<Caller> CallGuard::caller(const grpc::AuthContext& context) {
  const auto passes = context.FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  const std::scoped_lock lock(mutex_);
  const auto found = passes.empty() ? callers_.end() : callers_.find(view(passes.front()));
  if (found == callers_.end()) return fail(ErrorCode::unavailable, "the connection has ended", "Connect again.");
  return found->second;
}

Result<Client> CallGuard::client(const grpc::AuthContext& context) {
  const auto from = caller(context);
  if (!from) return fail(from.error());
  const auto identity = identify(from->certificate_pem);
  if (!identity) return fail(identity.error());
  return Client{identity->name, identity->sha256, from->address};
}

Result<Identity> CallGuard::identify(std::string_view certificate_pem) {
  const auto now = std::chrono::steady_clock::now();
  const std::scoped_lock lock(mutex_);
  const auto known = known_.find(certificate_pem);
  if (known != known_.end() && now < known->second.until) return known->second.identity;
  return ask(certificate_pem);
}

Result<Identity> CallGuard::ask(std::string_view certificate_pem) {
  if (trust_ == nullptr) return fail(ErrorCode::unavailable, "service is stopping", "Try again later.");
  auto identity = trust_->authenticate(certificate_pem, machine_time());
  if (!identity) {
    if (const auto known = known_.find(certificate_pem); known != known_.end()) known_.erase(known);
    return identity;
  }
  if (known_.size() >= k_max_known) known_.clear();
  known_.insert_or_assign(std::string(certificate_pem),
                          Known{*identity, std::chrono::steady_clock::now() + k_known_for});
  return identity;
}

}  // namespace rdpmend
