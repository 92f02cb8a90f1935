#include "agent-lib/support/result.hpp"

#include <fmt/format.h>

namespace rdpmend {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::already_exists: return "already_exists";
    case ErrorCode::conflict: return "conflict";
    case ErrorCode::denied: return "denied";
    case ErrorCode::unauthenticated: return "unauthenticated";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::timeout: return "timeout";
    case ErrorCode::cancelled: return "cancelled";
    case ErrorCode::exhausted: return "exhausted";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::corrupt: return "corrupt";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

Error Error::context(std::string_view doing) && {
  what = fmt::format("{}: {}", doing, what);
  return std::move(*this);
}

std::string to_string(const Error& error) {
  std::string text = error.what;
  if (error.os) text += fmt::format(" ({} {})", error.os->domain, error.os->value);
  if (!error.hint.empty()) text += fmt::format(". {}", error.hint);
  return text;
}

}  // namespace rdpmend
