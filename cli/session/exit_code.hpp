// What a failed call means for people and for scripts: gRPC status to Error, and Error to the program's exit code.
#pragma once

#include <grpcpp/support/status.h>

#include "agent-lib/support/result.hpp"

namespace rdpmend::cli {

// Documented in --help and in README.md.
enum class ExitCode : int {
  ok = 0,
  usage = 1,
  failed = 2,
  unreachable = 3,
  not_authorised = 4,
  not_well = 5,  // Open incidents, or something that does not work: only of status --check.
};

ExitCode exit_code_of(ErrorCode code);

// The service's own words, from the v1::ErrorDetail that it sends along; without one, what gRPC says.
Error error_of(const grpc::Status& status);

// Whether the service itself refused, in contrast to a call that did not get so far.
bool was_answered(const grpc::Status& status);

}  // namespace rdpmend::cli
