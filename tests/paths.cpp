// Compiled once: paths in every test's flags would keep a compiler cache from being shared between checkouts.
#include "tests/paths.hpp"

namespace rdpmend::test {

std::string source_dir() {
  return RDPMEND_SOURCE_DIR;
}
std::string binary_dir() {
  return RDPMEND_BINARY_DIR;
}

}  // namespace rdpmend::test
