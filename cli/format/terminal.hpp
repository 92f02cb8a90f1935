// What is known about the thing that we write to. Passed in, so that tests choose it.
#pragma once

#include <cstddef>

namespace rdpmend::cli {

inline constexpr std::size_t k_usual_width = 80;

struct Terminal {
  std::size_t width = 0;  // Columns; 0: not a terminal, so lines are as long as they are.
  bool colour = false;
};

// Of standard output. No colour with NO_COLOR set or TERM=dumb.
Terminal detect_terminal();

}  // namespace rdpmend::cli
