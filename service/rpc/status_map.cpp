#include "service/rpc/status_map.hpp"

#include <fmt/format.h>

#include "rdpmend/v1/agent.pb.h"

namespace rdpmend {

namespace {

// A status travels in HTTP/2 headers, which a client bounds at 8 KiB; text grows there (percent and base64 encoding).
constexpr std::size_t k_max_text_bytes = 1024;

grpc::StatusCode code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorCode::not_found: return grpc::StatusCode::NOT_FOUND;
    case ErrorCode::already_exists: return grpc::StatusCode::ALREADY_EXISTS;
    case ErrorCode::conflict: return grpc::StatusCode::FAILED_PRECONDITION;
    case ErrorCode::denied: return grpc::StatusCode::PERMISSION_DENIED;
    case ErrorCode::unauthenticated: return grpc::StatusCode::UNAUTHENTICATED;
    case ErrorCode::unavailable: return grpc::StatusCode::UNAVAILABLE;
    case ErrorCode::timeout: return grpc::StatusCode::DEADLINE_EXCEEDED;
    case ErrorCode::cancelled: return grpc::StatusCode::CANCELLED;
    case ErrorCode::exhausted: return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorCode::unsupported: return grpc::StatusCode::UNIMPLEMENTED;
    case ErrorCode::corrupt: return grpc::StatusCode::DATA_LOSS;
    case ErrorCode::internal: return grpc::StatusCode::INTERNAL;
  }
  return grpc::StatusCode::INTERNAL;
}

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

// Never in the middle of a UTF-8 character: protobuf would refuse the rest.
std::string shortened(const std::string& text) {
  if (text.size() <= k_max_text_bytes) return text;
  std::size_t end = k_max_text_bytes;
  while (end > 0 && continues_character(text[end])) --end;
  return text.substr(0, end) + "...";
}

std::string text_of(const OsError& os) {
  if (os.domain == "hresult" || os.domain == "ntstatus")
    return fmt::format("{} {:#010x}", os.domain, static_cast<std::uint32_t>(os.value));
  return fmt::format("{} {}", os.domain, os.value);
}

}  // namespace

grpc::Status to_grpc_status(const Error& error) {
  v1::ErrorDetail detail;
  detail.set_code(std::string(to_string(error.code)));
  detail.set_hint(shortened(error.hint));
  if (error.os) detail.set_os_error(text_of(*error.os));
  return {code_of(error.code), shortened(error.what), detail.SerializeAsString()};
}

}  // namespace rdpmend
