// What a program was called with.
#pragma once

#include <string>
#include <vector>

namespace rdpmend {

// The arguments after the program's name, in UTF-8 whatever the code page of Windows is.
std::vector<std::string> utf8_arguments(int argc, char** argv);

}  // namespace rdpmend
