// Who may use whom. The table in architecture.cpp is the house plan; everything else is how it is checked.
#pragma once

#include <string>
#include <vector>

#include "tests/architecture/source_tree.hpp"

namespace rdpmend::architecture {

// One line per violation, "path:line: what and why"; empty: the tree keeps the plan.
std::vector<std::string> violations(const SourceTree& tree);

}  // namespace rdpmend::architecture
