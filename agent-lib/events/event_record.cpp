#include "agent-lib/events/event_record.hpp"

#include "agent-lib/events/ascii.hpp"

namespace rdpmend {

std::optional<std::string_view> EventRecord::named(std::string_view name) const {
  if (name.empty()) return std::nullopt;
  for (const auto& field : fields) {
    if (equals_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::optional<std::string_view> EventRecord::positional(std::size_t position) const {
  std::size_t seen = 0;
  for (const auto& field : fields) {
    if (field.name.empty() && ++seen == position) return field.value;
  }
  return std::nullopt;
}

}  // namespace rdpmend
