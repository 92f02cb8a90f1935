// Words for whoever started the program. Nobody may be there to read them: Windows Installer gives a program no output
// at all, and a pipe's reader may have gone. What the program did counts, so such a failure is none.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <system_error>
#include <utility>

namespace rdpmend {

template <class... Args>
void print_to(std::FILE* stream, fmt::format_string<Args...> text, Args&&... args) {
  try {
    fmt::print(stream, text, std::forward<Args>(args)...);
  } catch (const std::system_error&) {
    std::clearerr(stream);
  }
}

}  // namespace rdpmend
