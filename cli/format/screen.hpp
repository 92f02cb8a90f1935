// What the operating system knows about standard output, if that is a terminal.
#pragma once

#include <cstddef>
#include <optional>

namespace rdpmend::cli {

struct Screen {
  std::size_t width = 0;  // 0: not known.
  bool colour = false;    // It understands ECMA-48's colours.
};

// nullopt: it is no terminal. Makes it show UTF-8 until the program ends.
std::optional<Screen> screen_of_standard_output();

}  // namespace rdpmend::cli
