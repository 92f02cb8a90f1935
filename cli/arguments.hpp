// What the program was called with, in UTF-8 whatever the code page of Windows is.
#pragma once

#include <string>
#include <vector>

namespace rdpmend::cli {

std::vector<std::string> utf8_arguments(int argc, char** argv);

}  // namespace rdpmend::cli
