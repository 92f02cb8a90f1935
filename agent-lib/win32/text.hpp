// UTF-8 inside, UTF-16 at the OS's edge.
#pragma once

#include <string>
#include <string_view>

namespace rdpmend::win32 {

// What is not valid becomes U+FFFD: the text goes into messages, and one bad unit must not cost the rest.
std::wstring widen(std::string_view utf8);
std::string narrow(std::wstring_view utf16);

// As Windows compares names of files, services and rules: ordinal, without regard to case.
bool same_name(std::wstring_view a, std::wstring_view b);

}  // namespace rdpmend::win32
