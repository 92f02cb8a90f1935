// The one place at which exceptions become errors again: those that need() throws on the way out of a long reading, and
// those of libraries and defects.
#pragma once

#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

#include "agent-lib/support/result.hpp"

namespace rdpmend {

// Thrown by need() and caught by guarded(), and by nobody else.
class Unreadable : public std::exception {
 public:
  explicit Unreadable(Error error) : error_(std::move(error)) {}
  const char* what() const noexcept override { return error_.what.c_str(); }
  const Error& error() const { return error_; }

 private:
  Error error_;
};

// The value, or an end of everything up to guarded(), whose result is then this error. For code that reads many things
// of which it can do without none.
template <class T>
T need(Result<T> result) {
  if (!result) throw Unreadable(std::move(result).error());
  return std::move(*result);
}

// An error in place of an exception: that of need() as it is, any other as a defect of ours.
Error error_of(const std::exception& thrown);

// What `work` returns, a Result or a plain value, or the error in place of what it throws.
template <class Work>
auto guarded(Work&& work) {
  using Returned = std::invoke_result_t<Work>;
  using Answer = std::conditional_t<std::is_convertible_v<tl::unexpected<Error>, Returned>, Returned, Result<Returned>>;
  try {
    return Answer(std::invoke(std::forward<Work>(work)));
  } catch (const std::exception& thrown) {
    return Answer(fail(error_of(thrown)));
  }
}

}  // namespace rdpmend
