// Lists that a file, an event or a caller can make as long as they like, before they are kept, journalled or answered.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <vector>

#include "agent-lib/support/printable.hpp"

namespace rdpmend {

// At most so many lines of at most so many bytes; behind them, how many more there were.
inline void keep_first(std::vector<std::string>& lines, std::size_t most, std::size_t max_bytes) {
  const auto more = lines.size() > most ? lines.size() - most : 0;
  lines.resize(lines.size() - more);
  for (auto& line : lines) line = clipped(line, max_bytes);
  if (more > 0) lines.push_back(fmt::format("and {} more", more));
}

}  // namespace rdpmend
