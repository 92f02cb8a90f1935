// A connection to a service: mutual TLS with the one server certificate that the profile names, a deadline on every
// call, and failures in words that say what to do next.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "agent-lib/support/result.hpp"
#include "cli/session/exit_code.hpp"
#include "cli/session/profile.hpp"
#include "rdpmend/v1/agent.grpc.pb.h"

namespace rdpmend::cli {

// Chosen anew for each command: the service carries out one and the same id once.
std::string make_request_id();

class Client {
 public:
  using Stub = v1::Agent::Stub;
  template <class Request, class Response>
  using Method = grpc::Status (Stub::*)(grpc::ClientContext*, const Request&, Response*);

  // Nothing is sent yet. A stop request cancels the call that is under way.
  Client(Profile profile, std::chrono::seconds timeout, std::stop_token stop);

  template <class Request, class Response>
  Result<Response> call(Method<Request, Response> method, const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout_);
    const std::stop_callback cancel(stop_, [&] { context.TryCancel(); });
    Response response;
    const auto status = (stub_.get()->*method)(&context, request, &response);
    if (!status.ok()) return fail(explain(status));
    return response;
  }

  // For streams: what went wrong, in words.
  Error explain(const grpc::Status& status) const;

  Stub& stub() { return *stub_; }
  const std::string& address() const { return profile_.address; }
  const std::stop_token& stop() const { return stop_; }

 private:
  Error explain_unreachable(const std::string& message) const;
  Error explain_cut_off() const;
  Error explain_silence() const;
  Error explain_rejection(Error error) const;

  Profile profile_;
  std::chrono::seconds timeout_;
  std::stop_token stop_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Stub> stub_;
};

}  // namespace rdpmend::cli
