#include "service/selftest/access_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace rdpmend {

namespace {

std::vector<std::string> entries_of(const v1::FileSecurity& security) {
  std::vector<std::string> entries;
  for (const auto& ace : security.dacl()) entries.push_back(to_text(ace));
  std::sort(entries.begin(), entries.end());
  return entries;
}

void add_entries(std::string_view word, const std::vector<std::string>& some, const std::vector<std::string>& others,
                 std::vector<std::string>& out) {
  std::vector<std::string> only;
  std::set_difference(some.begin(), some.end(), others.begin(), others.end(), std::back_inserter(only));
  for (const auto& entry : only) out.push_back(fmt::format("{} {}", word, entry));
}

}  // namespace

std::string to_text(const v1::Ace& ace) {
  auto text = fmt::format("{} {} {:#010x}", ace.type() == v1::Ace::TYPE_DENY ? "deny" : "allow", ace.sid(), ace.mask());
  if (ace.flags() != 0) text += fmt::format(" flags {:#x}", ace.flags());
  return text;
}

std::string to_text(const v1::FileSecurity& security) {
  auto text = fmt::format("owner {}, {}", security.owner_sid(), security.dacl_protected() ? "protected" : "inheriting");
  if (security.dacl_absent()) text += ", no access list at all";
  for (const auto& ace : security.dacl()) text += "; " + to_text(ace);
  return text;
}

std::vector<std::string> differences(const v1::FileSecurity& stock, const v1::FileSecurity& found) {
  std::vector<std::string> out;
  if (found.owner_sid() != stock.owner_sid()) {
    out.push_back(fmt::format("owner {}, not {}", found.owner_sid(), stock.owner_sid()));
  }
  if (found.dacl_protected() != stock.dacl_protected()) {
    out.emplace_back(found.dacl_protected() ? "protected" : "inheriting");
  }
  if (found.dacl_absent() != stock.dacl_absent()) out.emplace_back("no access list at all");
  const auto expected = entries_of(stock);
  const auto there = entries_of(found);
  add_entries("missing", expected, there, out);
  add_entries("besides", there, expected, out);
  return out;
}

}  // namespace rdpmend
