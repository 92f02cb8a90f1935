#include "agent-lib/faults/clients/accounts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "agent-lib/support/time.hpp"

namespace rdpmend::faults::clients {

void Accounts::add(const TallyGroup& group) {
  more_ = more_ || group.more_values;
  const auto users = group.values.find("user");
  if (users == group.values.end()) return;
  for (const auto& user : users->second) {
    if (user == "-") continue;  // How Security says that there is none.
    std::erase(names_, user);
    names_.push_back(user);
  }
}

std::string Accounts::text() const {
  if (none()) return "not named";
  return fmt::format("{}{}", fmt::join(names_, ", "), more_ ? " and more" : "");
}

std::string how_often(std::uint64_t count, const TallySnapshot& tally) {
  return fmt::format("{}{} in {}", tally.at_least ? "at least " : "", count, to_human(tally.window));
}

}  // namespace rdpmend::faults::clients
