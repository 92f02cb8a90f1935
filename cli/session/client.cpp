#include "cli/session/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <random>

#include "agent-lib/support/grpc_compat.hpp"

namespace rdpmend::cli {

namespace {

constexpr int k_max_answer_bytes = 64 * 1024 * 1024;

void ignore_line(bool, std::string_view) {}

std::shared_ptr<grpc::Channel> open_channel(const Profile& profile) {
  // gRPC logs to stderr by itself; our errors say the same in words.
  compat::take_grpc_log<ignore_line>();
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = profile.server_certificate_pem;
  tls.pem_cert_chain = profile.client_certificate_pem;
  tls.pem_private_key = profile.client_key_pem;
  grpc::ChannelArguments arguments;
  if (!profile.server_name.empty()) arguments.SetSslTargetNameOverride(profile.server_name);
  arguments.SetMaxReceiveMessageSize(k_max_answer_bytes);
  // The address is a host of ours: no proxy of the environment stands between.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // A watch notices within a minute that the host vanished without a word, and is back soon after it returned: by
  // itself gRPC would ping never, and wait for up to two minutes.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 30'000);
  return grpc::CreateCustomChannel(profile.address, grpc::SslCredentials(tls), arguments);
}

bool contains(const std::string& text, std::string_view what) {
  const auto same = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
  return std::search(text.begin(), text.end(), what.begin(), what.end(), same) != text.end();
}

// No connection came about, although TLS began. With TLS 1.3 the client's side of the handshake is over by then:
// gRPC 1.51 says "Endpoint read failed" of the service's alert, and if the connection just ends, what it saw of that.
bool was_cut_off(const std::string& message) {
  return contains(message, "failed to connect") &&
         (contains(message, "endpoint read failed") || contains(message, "socket closed") ||
          contains(message, "connection reset") || contains(message, "end of tcp stream") ||
          contains(message, "broken pipe"));
}

// How long ago a certificate ran out; nullopt: it did not, or it cannot be read.
std::optional<std::string> expired_since(const std::string& certificate_pem) {
  const auto expiry = expiry_of(certificate_pem);
  if (!expiry || *expiry > std::chrono::system_clock::now()) return std::nullopt;
  return to_iso8601(*expiry).substr(0, 10);
}

}  // namespace

std::string make_request_id() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) id += fmt::format("{:08x}", random());
  return id;
}

Client::Client(Profile profile, std::chrono::seconds timeout, std::stop_token stop)
    : profile_(std::move(profile)),
      timeout_(timeout),
      stop_(std::move(stop)),
      channel_(open_channel(profile_)),
      stub_(v1::Agent::NewStub(channel_)) {}

Error Client::explain(const grpc::Status& status) const {
  if (stop_.stop_requested()) return {ErrorCode::cancelled, "interrupted", {}, std::nullopt};
  if (was_answered(status)) return error_of(status);
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE: return explain_unreachable(status.error_message());
    case grpc::StatusCode::DEADLINE_EXCEEDED: return explain_silence();
    case grpc::StatusCode::UNAUTHENTICATED: return explain_rejection(error_of(status));
    case grpc::StatusCode::UNIMPLEMENTED:
      return {ErrorCode::unsupported, fmt::format("the service at {} does not know this command", address()),
              "Compare the versions: rdpmend --version and rdpmend status", std::nullopt};
    default: return error_of(status);
  }
}

// What gRPC 1.51 says about a connection that did not come about is only in its message.
Error Client::explain_unreachable(const std::string& message) const {
  const auto cannot = fmt::format("cannot reach the service at {}: ", address());
  if (contains(message, "certificate verify failed") || contains(message, "certificate_verify_failed")) {
    if (const auto since = expired_since(profile_.server_certificate_pem)) {
      return {ErrorCode::unauthenticated, fmt::format("{}its certificate expired on {}", cannot, *since),
              "Renew it on the host: rdpmendd init-pki", std::nullopt};
    }
    return {ErrorCode::unauthenticated, cannot + "it does not present the certificate that the profile names",
            fmt::format("Another service answers there, or its keys were made anew. Use the profile of this service "
                        "instead of {}",
                        profile_.file),
            std::nullopt};
  }
  if (contains(message, "peer name")) {
    return {ErrorCode::unauthenticated,
            fmt::format("{}its certificate is not for the name {}", cannot, profile_.server_name),
            fmt::format("Correct server_name in {}", profile_.file), std::nullopt};
  }
  if (was_cut_off(message)) return explain_cut_off();
  if (contains(message, "connection refused")) {
    return {ErrorCode::unavailable, cannot + "connection refused",
            "Nothing listens there. Start the service, or correct the address with --address HOST:PORT", std::nullopt};
  }
  if (contains(message, "ssl") || contains(message, "handshake")) {
    return {ErrorCode::unavailable, cannot + "the TLS handshake failed",
            "Something else than rdpmend may listen there. Check the address with --address HOST:PORT", std::nullopt};
  }
  if (contains(message, "dns") || contains(message, "resolution")) {
    return {ErrorCode::unavailable, cannot + "the name has no address", "Check --address HOST:PORT", std::nullopt};
  }
  return {ErrorCode::unavailable, cannot + message,
          "Check that the service runs and that --address is right, then try again", std::nullopt};
}

// The service closes a connection without a word when it does not trust the client's certificate; so may one that is
// just stopping, which is why a watch goes on trying.
Error Client::explain_cut_off() const {
  if (const auto since = expired_since(profile_.client_certificate_pem)) {
    return {ErrorCode::unauthenticated,
            fmt::format("the service at {} closed the connection: your client certificate expired on {}", address(),
                        *since),
            "Get a new one (rdpmendd init-pki on the host)", std::nullopt};
  }
  return {
      ErrorCode::unavailable,
      fmt::format("the service at {} closed the connection before a word was said: probably it does not trust the "
                  "client certificate of {}",
                  address(), profile_.file),
      "Use a profile of this service, or have an administrator of the host look into the service's log, which names "
      "the certificate, and add that to pki/trust.textproto",
      std::nullopt};
}

Error Client::explain_silence() const {
  if (channel_->GetState(false) == GRPC_CHANNEL_READY) {
    return {ErrorCode::unavailable,
            fmt::format("the service at {} did not answer within {} s", address(), timeout_.count()),
            "It may be busy with the host: try again with a longer --timeout", std::nullopt};
  }
  return {ErrorCode::unavailable,
          fmt::format("cannot reach the service at {}: no connection within {} s", address(), timeout_.count()),
          "Check the address and the firewalls between, or give it longer with --timeout", std::nullopt};
}

Error Client::explain_rejection(Error error) const {
  if (const auto since = expired_since(profile_.client_certificate_pem)) {
    error.hint =
        fmt::format("Your client certificate expired on {}: get a new one (rdpmendd init-pki on the host)", *since);
  } else if (contains(error.what, "is not known to this host")) {  // Else the service's own words say what to do.
    error.hint = fmt::format("The service does not trust the client certificate of {}: use the profile of this service",
                             profile_.file);
  }
  return error;
}

}  // namespace rdpmend::cli
