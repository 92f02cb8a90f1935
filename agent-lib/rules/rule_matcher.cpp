#include "agent-lib/rules/rule_matcher.hpp"

#include <algorithm>

#include "agent-lib/events/ascii.hpp"
#include "agent-lib/support/address.hpp"

namespace rdpmend {

namespace {

using v1::Capture;
using v1::FieldPredicate;

std::optional<std::string_view> find_field(const FieldPredicate& predicate, const EventRecord& event) {
  if (predicate.field_case() == FieldPredicate::kName) return event.named(predicate.name());
  return event.positional(predicate.position());
}

// A field that the event does not have passes only the tests that say so: not_equals and present: false.
bool holds(const FieldPredicate& predicate, const EventRecord& event) {
  const auto value = find_field(predicate, event);
  if (predicate.test_case() == FieldPredicate::kPresent) return value.has_value() == predicate.present();
  if (!value) return predicate.test_case() == FieldPredicate::kNotEquals;
  switch (predicate.test_case()) {
    case FieldPredicate::kEquals: return equals_ignoring_case(*value, predicate.equals());
    case FieldPredicate::kNotEquals: return !equals_ignoring_case(*value, predicate.not_equals());
    case FieldPredicate::kStartsWith: return starts_with_ignoring_case(*value, predicate.starts_with());
    case FieldPredicate::kContains: return contains_ignoring_case(*value, predicate.contains());
    case FieldPredicate::kAnyOf: {
      const auto& values = predicate.any_of().values();
      return std::any_of(values.begin(), values.end(),
                         [&](const std::string& one) { return equals_ignoring_case(*value, one); });
    }
    case FieldPredicate::kLoopback: {
      const auto address = address_in(*value);
      return (address && is_loopback(*address)) == predicate.loopback();
    }
    case FieldPredicate::kPresent:
    case FieldPredicate::TEST_NOT_SET: return false;
  }
  return false;
}

bool matches(const v1::Rule& rule, const EventRecord& event) {
  if (!equals_ignoring_case(rule.provider(), event.provider)) return false;
  if (!event.channel.empty() && !equals_ignoring_case(rule.channel(), event.channel)) return false;
  return std::all_of(rule.where().begin(), rule.where().end(),
                     [&](const FieldPredicate& predicate) { return holds(predicate, event); });
}

std::optional<std::string_view> find_captured(const Capture& capture, const EventRecord& event) {
  switch (capture.field_case()) {
    case Capture::kName: return event.named(capture.name());
    case Capture::kPosition: return event.positional(capture.position());
    case Capture::kBinary: return event.binary.empty() ? std::nullopt : std::optional<std::string_view>(event.binary);
    case Capture::FIELD_NOT_SET: return std::nullopt;
  }
  return std::nullopt;
}

// Cuts between characters, not inside one.
std::string_view bounded(std::string_view value) {
  if (value.size() <= k_max_capture_bytes) return value;
  std::size_t end = k_max_capture_bytes;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80) --end;
  return value.substr(0, end);
}

std::map<std::string, std::string> capture(const v1::Rule& rule, const EventRecord& event) {
  std::map<std::string, std::string> captures;
  for (const auto& wanted : rule.captures()) {
    const auto value = find_captured(wanted, event);
    if (!value) continue;
    auto address = wanted.address() ? address_in(*value) : std::nullopt;
    captures.emplace(wanted.as(), address ? std::move(*address) : std::string(bounded(*value)));
  }
  return captures;
}

}  // namespace

RuleMatcher::RuleMatcher(const std::vector<v1::Rule>& rules) {
  for (const auto& rule : rules) {
    for (const auto id : rule.event_ids()) by_event_id_[id].push_back(&rule);
  }
}

std::vector<RuleMatch> RuleMatcher::match(const EventRecord& event) const {
  std::vector<RuleMatch> found;
  const auto candidates = by_event_id_.find(event.event_id);
  if (candidates == by_event_id_.end()) return found;
  for (const auto* rule : candidates->second) {
    if (matches(*rule, event)) found.push_back({rule, capture(*rule, event)});
  }
  return found;
}

}  // namespace rdpmend
