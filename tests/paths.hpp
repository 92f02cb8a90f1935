// Where the project and its build are, for tests that read files at run time.
#pragma once

#include <string>

namespace rdpmend::test {

std::string source_dir();
std::string binary_dir();

}  // namespace rdpmend::test
