#include "agent-lib/support/enum_word.hpp"

#include <algorithm>

namespace rdpmend {

std::string enum_word(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return "not known to this version of rdpmend";
  std::string word{name.substr(prefix.size())};
  std::transform(word.begin(), word.end(), word.begin(), [](char c) {
    if (c == '_') return ' ';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return word == "unspecified" ? "not said" : word;
}

}  // namespace rdpmend
