// How our functions fail: as values, with words for people. Exceptions do not cross our functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace rdpmend {

// What kind of failure; each has one gRPC status and one CLI exit code (service/rpc/status_map).
enum class ErrorCode {
  invalid_argument,  // The caller's input is wrong.
  not_found,
  already_exists,
  conflict,  // The thing is not in the state that the call needs; somebody else changed it.
  denied,    // Access is denied.
  unauthenticated,
  unavailable,  // Busy, not running, or not reachable now; later may work.
  timeout,
  cancelled,
  exhausted,    // A bound was reached.
  unsupported,  // This host has no such thing.
  corrupt,      // Data is damaged.
  internal,     // Our own mistake.
};

std::string_view to_string(ErrorCode code);

// A code of the operating system, kept with its domain: win32, hresult, ntstatus, errno.
struct OsError {
  std::string domain;
  std::int64_t value = 0;
};

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string what;  // "cannot open store Remote Desktop: access is denied"
  std::string hint;  // What to do next; may be empty.
  std::optional<OsError> os;

  // Prepends what was being done: context("cannot renew the certificate") gives "cannot renew the certificate: ...".
  Error context(std::string_view doing) &&;
};

// "what (win32 5). hint", for logs and people.
std::string to_string(const Error& error);

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string what, std::string hint = {}) {
  return tl::unexpected<Error>(Error{code, std::move(what), std::move(hint), std::nullopt});
}
inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace rdpmend
