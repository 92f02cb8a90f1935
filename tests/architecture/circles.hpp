// Circles between folders: two that include each other, directly or over others, are one folder in two places.
#pragma once

#include <string>
#include <vector>

#include "tests/architecture/source_tree.hpp"

namespace rdpmend::architecture {

// A line for each circle, with an include for each of its steps. Tests do not count.
std::vector<std::string> circles(const SourceTree& tree);

}  // namespace rdpmend::architecture
