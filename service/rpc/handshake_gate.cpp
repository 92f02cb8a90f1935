#include "service/rpc/handshake_gate.hpp"

#include <fmt/format.h>

#include <utility>

#include "agent-lib/support/log.hpp"

namespace rdpmend {

namespace {

// Strangers choose how often they come: they must not fill the log.
constexpr std::chrono::seconds k_quiet{10};

}  // namespace

bool HandshakeGate::Verify(Request* request, std::function<void(grpc::Status)>, grpc::Status* answer) {
  const auto certificate = request->peer_cert();
  const auto admitted = guard_->admit_connection({certificate.data(), certificate.size()});
  if (!admitted) {
    note(admitted.error());
    *answer = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, admitted.error().what);
  }
  return true;
}

void HandshakeGate::note(const Error& why) {
  const std::scoped_lock lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (now < quiet_until_) {
    ++unsaid_;
    return;
  }
  quiet_until_ = now + k_quiet;
  const auto more = std::exchange(unsaid_, 0);
  log::warning("a connection was cut off: {}{}", to_string(why),
               more == 0 ? "" : fmt::format(" ({} more before it)", more));
}

}  // namespace rdpmend
