// Arguments are bytes here, and UTF-8 by custom.
#include "agent-lib/support/arguments.hpp"

namespace rdpmend {

std::vector<std::string> utf8_arguments(int argc, char** argv) {
  return {argv + (argc > 0 ? 1 : 0), argv + argc};
}

}  // namespace rdpmend
