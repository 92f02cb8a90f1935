#include "cli/arguments.hpp"

namespace rdpmend::cli {

std::vector<std::string> utf8_arguments(int argc, char** argv) {
  return {argv, argv + argc};
}

}  // namespace rdpmend::cli
