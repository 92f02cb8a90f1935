// Text at the laboratory's edge: Windows speaks UTF-16, our files UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace rdpmend::lab {

std::wstring widen(std::string_view utf8);
std::string narrow(std::wstring_view utf16);
std::string to_lower(std::string_view ascii);
// Names of channels, registry values and services differ in case only by accident.
bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace rdpmend::lab
