#include "cli/session/exit_code.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "rdpmend/v1/agent.pb.h"

namespace rdpmend::cli {

namespace {

constexpr std::array k_codes{ErrorCode::invalid_argument, ErrorCode::not_found,   ErrorCode::already_exists,
                             ErrorCode::conflict,         ErrorCode::denied,      ErrorCode::unauthenticated,
                             ErrorCode::unavailable,      ErrorCode::timeout,     ErrorCode::cancelled,
                             ErrorCode::exhausted,        ErrorCode::unsupported, ErrorCode::corrupt,
                             ErrorCode::internal};

std::optional<ErrorCode> code_named(std::string_view word) {
  const auto found =
      std::find_if(k_codes.begin(), k_codes.end(), [&](ErrorCode code) { return to_string(code) == word; });
  return found == k_codes.end() ? std::nullopt : std::optional{*found};
}

ErrorCode code_of(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::OUT_OF_RANGE: return ErrorCode::invalid_argument;
    case grpc::StatusCode::NOT_FOUND: return ErrorCode::not_found;
    case grpc::StatusCode::ALREADY_EXISTS: return ErrorCode::already_exists;
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::ABORTED: return ErrorCode::conflict;
    case grpc::StatusCode::PERMISSION_DENIED: return ErrorCode::denied;
    case grpc::StatusCode::UNAUTHENTICATED: return ErrorCode::unauthenticated;
    // Without the service's own words a deadline is ours: nobody answered in time.
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED: return ErrorCode::unavailable;
    case grpc::StatusCode::CANCELLED: return ErrorCode::cancelled;
    case grpc::StatusCode::RESOURCE_EXHAUSTED: return ErrorCode::exhausted;
    case grpc::StatusCode::UNIMPLEMENTED: return ErrorCode::unsupported;
    case grpc::StatusCode::DATA_LOSS: return ErrorCode::corrupt;
    default: return ErrorCode::internal;
  }
}

std::optional<v1::ErrorDetail> detail_of(const grpc::Status& status) {
  v1::ErrorDetail detail;
  if (status.error_details().empty() || !detail.ParseFromString(status.error_details())) return std::nullopt;
  return detail;
}

}  // namespace

ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return ExitCode::usage;
    case ErrorCode::unavailable: return ExitCode::unreachable;
    case ErrorCode::denied:
    case ErrorCode::unauthenticated: return ExitCode::not_authorised;
    default: return ExitCode::failed;
  }
}

Error error_of(const grpc::Status& status) {
  Error error{code_of(status.error_code()), status.error_message(), {}, std::nullopt};
  if (const auto detail = detail_of(status)) {
    error.code = code_named(detail->code()).value_or(error.code);
    error.hint = detail->hint();
    if (!detail->os_error().empty()) error.what += " (" + detail->os_error() + ")";
  }
  return error;
}

bool was_answered(const grpc::Status& status) {
  return detail_of(status).has_value();
}

}  // namespace rdpmend::cli
