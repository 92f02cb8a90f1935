#include "agent-lib/rules/rule_check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "agent-lib/events/ascii.hpp"
#include "agent-lib/events/event_xml.hpp"
#include "agent-lib/rules/correlator.hpp"
#include "agent-lib/rules/fault_order.hpp"
#include "agent-lib/support/printable.hpp"

namespace rdpmend {

namespace {

constexpr std::size_t k_max_id_bytes = 64;
constexpr std::size_t k_max_name_bytes = 255;

bool is_snake_case(std::string_view id) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  if (id.empty() || id.size() > k_max_id_bytes || !lower(id.front())) return false;
  return std::all_of(id.begin(), id.end(), [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '_'; });
}

// Event views show these, but in the language of whoever looks; they are not fields of the event.
bool is_localised(std::string_view name) {
  constexpr std::array<std::string_view, 3> k_names{"Message", "RenderingInfo", "LevelDisplayName"};
  return std::any_of(k_names.begin(), k_names.end(), [&](auto one) { return equals_ignoring_case(one, name); });
}

// Collects what is wrong; `within` is the message that the next findings are about.
class Findings {
 public:
  void add(std::string message) { keep({within_, std::move(message)}); }
  void add(std::string field, std::string message, int index = -1) {
    auto where = within_;
    where.push_back({std::move(field), index});
    keep({std::move(where), std::move(message)});
  }
  void enter(std::string field, int index) { within_.push_back({std::move(field), index}); }
  void leave() { within_.pop_back(); }
  std::vector<RuleProblem> take() {
    if (more_ > 0) found_.push_back({{}, fmt::format("and {} more problems of this rule", more_)});
    return std::move(found_);
  }

 private:
  void keep(RuleProblem problem) {
    if (found_.size() < k_max_rule_problems) {
      found_.push_back(std::move(problem));
    } else {
      ++more_;
    }
  }

  std::size_t more_ = 0;
  std::vector<FieldStep> within_;
  std::vector<RuleProblem> found_;
};

void check_id(const v1::Rule& rule, const KnownIds& known, Findings& findings) {
  if (rule.id().empty()) return findings.add("the rule has no id; give it one such as id: \"site_gateway_down\"");
  if (!is_snake_case(rule.id())) {
    findings.add("id", fmt::format("id \"{}\" is not snake_case: a-z, 0-9 and _, at most {} characters, a letter first",
                                   rule.id(), k_max_id_bytes));
  } else if (known.rules.contains(rule.id())) {
    findings.add(
        "id", fmt::format("there is a rule \"{}\" already; choose another id, or change it with overrides", rule.id()));
  }
}

void check_name(const std::string& field, std::string_view value, std::string_view example, Findings& findings) {
  if (value.empty()) return findings.add(fmt::format("the rule has no {0}; add {0}: \"{1}\"", field, example));
  if (value.size() > k_max_name_bytes || !is_printable(value)) {
    findings.add(field, fmt::format("{} is longer than {} bytes or has control characters", field, k_max_name_bytes));
  }
}

void check_channel(const v1::Rule& rule, Findings& findings) {
  check_name("channel", rule.channel(), "System", findings);
  const auto lower = to_ascii_lower(rule.channel());
  if (lower.ends_with("/analytic") || lower.ends_with("/debug")) {
    findings.add("channel",
                 "Windows does not let anyone subscribe to Analytic and Debug channels; use an Admin or "
                 "Operational one");
  }
}

void check_event_ids(const v1::Rule& rule, Findings& findings) {
  if (rule.event_ids().empty()) findings.add("the rule has no event_ids; add at least one");
  if (rule.event_ids_size() > k_max_rule_event_ids) {
    findings.add("event_ids", fmt::format("more than {} event ids; make two rules of it", k_max_rule_event_ids), 0);
  }
  std::set<std::uint32_t> seen;
  for (int i = 0; i < rule.event_ids_size(); ++i) {
    const auto id = rule.event_ids(i);
    if (id > 0xFFFF) {
      findings.add("event_ids", fmt::format("event id {} carries qualifiers; write {}", id, id & 0xFFFF), i);
    } else if (!seen.insert(id).second) {
      findings.add("event_ids", fmt::format("event id {} is there twice", id), i);
    }
  }
}

// Shared by predicates and captures: which field of the event?
void check_field(bool has_name, const std::string& name, bool has_position, std::uint32_t position,
                 Findings& findings) {
  if (has_name && name.empty()) findings.add("name", "the field name is empty");
  if (has_name && is_localised(name)) {
    findings.add(
        "name", fmt::format("\"{}\" is text in the language of the host, not a field; use event ids and fields", name));
  }
  if (has_position && (position == 0 || position > k_max_event_fields)) {
    findings.add("position", fmt::format("positions count from 1 to {}", k_max_event_fields));
  }
}

void check_predicate(const v1::FieldPredicate& predicate, Findings& findings) {
  using v1::FieldPredicate;
  if (predicate.field_case() == FieldPredicate::FIELD_NOT_SET) findings.add("says no field; add name or position");
  check_field(predicate.has_name(), predicate.name(), predicate.has_position(), predicate.position(), findings);
  switch (predicate.test_case()) {
    case FieldPredicate::TEST_NOT_SET:
      findings.add("has no test; add one of equals, not_equals, starts_with, contains, any_of, present, loopback");
      break;
    case FieldPredicate::kStartsWith:
      if (predicate.starts_with().empty())
        findings.add("starts_with", "starts_with is empty and so always true; use present: true");
      break;
    case FieldPredicate::kContains:
      if (predicate.contains().empty())
        findings.add("contains", "contains is empty and so always true; use present: true");
      break;
    case FieldPredicate::kAnyOf:
      if (predicate.any_of().values().empty()) findings.add("any_of", "any_of has no values and so is never true");
      break;
    default: break;
  }
}

void check_capture(const v1::Capture& capture, std::set<std::string>& names, Findings& findings) {
  if (capture.as().empty()) {
    findings.add("the capture has no name; add as: \"...\"");
  } else if (!is_snake_case(capture.as())) {
    findings.add("as", fmt::format("capture name \"{}\" is not snake_case", capture.as()));
  } else if (!names.insert(capture.as()).second) {
    findings.add("as", fmt::format("there is a capture \"{}\" already", capture.as()));
  }
  if (capture.field_case() == v1::Capture::FIELD_NOT_SET)
    findings.add("says no field; add name, position or binary: true");
  check_field(capture.has_name(), capture.name(), capture.has_position(), capture.position(), findings);
  if (capture.address() && capture.has_binary()) findings.add("address", "the binary data is no address");
  if (capture.has_binary() && !capture.binary()) findings.add("binary", "binary: false captures nothing; remove it");
}

void check_group_by(const v1::Rule& rule, const std::set<std::string>& captures, Findings& findings) {
  std::set<std::string> seen;
  for (int i = 0; i < rule.group_by_size(); ++i) {
    const auto& name = rule.group_by(i);
    if (!captures.contains(name)) {
      findings.add("group_by", fmt::format("group_by \"{}\" is no capture of this rule", name), i);
    } else if (!seen.insert(name).second) {
      findings.add("group_by", fmt::format("group_by \"{}\" is there twice", name), i);
    }
  }
}

template <class Message>
void check_bounds(const Message& message, Findings& findings) {
  if (message.has_window()) {
    const auto& window = message.window();
    // By the seconds first: a hostile number of them does not fit our durations.
    const bool fits = window.seconds() >= 0 && window.seconds() <= k_max_rule_window / std::chrono::seconds{1};
    if (!fits || from_proto(window) < k_min_rule_window || from_proto(window) > k_max_rule_window) {
      findings.add("window", fmt::format("the window must be between {} and {}", to_human(k_min_rule_window),
                                         to_human(k_max_rule_window)));
    }
  }
  if (message.threshold() > k_max_rule_threshold) {
    findings.add("threshold", fmt::format("the threshold must be at most {}", k_max_rule_threshold));
  }
}

void check_fault_ids(const v1::Rule& rule, const KnownIds& known, Findings& findings) {
  std::set<std::string> seen;
  for (int i = 0; i < rule.faults_size(); ++i) {
    if (!known.faults.contains(rule.faults(i))) {
      findings.add(
          "faults",
          fmt::format("there is no fault \"{}\"; there are: {}", rule.faults(i), fmt::join(known.faults, ", ")), i);
    } else if (!seen.insert(rule.faults(i)).second) {
      findings.add("faults", fmt::format("fault \"{}\" is there twice", rule.faults(i)), i);
    }
  }
}

}  // namespace

std::vector<RuleProblem> check_rule(const v1::Rule& rule, const KnownIds& known) {
  Findings findings;
  check_id(rule, known, findings);
  check_channel(rule, findings);
  check_name("provider", rule.provider(), "Microsoft-Windows-...", findings);
  check_event_ids(rule, findings);
  if (rule.where_size() > k_max_rule_predicates || rule.captures_size() > k_max_rule_captures) {
    findings.add(fmt::format("more than {} predicates or {} captures", k_max_rule_predicates, k_max_rule_captures));
  }
  for (int i = 0; i < rule.where_size(); ++i) {
    findings.enter("where", i);
    check_predicate(rule.where(i), findings);
    findings.leave();
  }
  std::set<std::string> captures;
  for (int i = 0; i < rule.captures_size(); ++i) {
    findings.enter("captures", i);
    check_capture(rule.captures(i), captures, findings);
    findings.leave();
  }
  check_group_by(rule, captures, findings);
  check_bounds(rule, findings);
  check_fault_ids(rule, known, findings);
  return findings.take();
}

std::vector<RuleProblem> check_override(const v1::RuleOverride& change, const KnownIds& known) {
  Findings findings;
  if (change.rule_id().empty()) {
    findings.add("the override has no rule_id");
  } else if (!known.rules.contains(change.rule_id())) {
    findings.add("rule_id", fmt::format("there is no rule \"{}\" in force", change.rule_id()));
  }
  if (!change.disabled() && !change.has_window() && change.threshold() == 0) {
    findings.add("the override changes nothing; add disabled: true, window or threshold");
  }
  check_bounds(change, findings);
  return findings.take();
}

std::vector<std::string> check_faults(const std::vector<v1::FaultInfo>& faults, const std::vector<v1::Rule>& rules) {
  std::vector<std::string> problems;
  std::set<std::string> ids;
  for (const auto& fault : faults) ids.insert(fault.id());
  if (ids.size() != faults.size()) problems.push_back("two faults have the same id");
  for (const auto& fault : faults) {
    const auto add = [&](std::string_view what) {
      problems.push_back(fmt::format("fault \"{}\" {}", fault.id(), what));
    };
    if (!is_snake_case(fault.id())) add("has an id that is not snake_case");
    if (fault.title().empty() || fault.description().empty()) add("has no title or description");
    if (fault.stage() == v1::STAGE_UNSPECIFIED) add("has no stage");
    if (fault.risk() == v1::RISK_UNSPECIFIED) add("has no risk");
    if (fault.default_mode() == v1::FAULT_MODE_UNSPECIFIED) add("has no default_mode");
    for (const auto& mask : fault.masked_by()) {
      if (!ids.contains(mask)) add(fmt::format("is masked by \"{}\", which does not exist", mask));
    }
    for (const auto& masked : fault.masks()) {
      if (!ids.contains(masked)) add(fmt::format("masks \"{}\", which does not exist", masked));
    }
    for (const auto& hint : fault.hinted_by()) {
      if (std::none_of(rules.begin(), rules.end(), [&](const v1::Rule& rule) { return rule.id() == hint; }))
        add(fmt::format("is hinted by \"{}\", which does not exist", hint));
    }
  }
  std::set<std::string> before;
  for (const auto& fault : masks_first(faults)) {
    for (const auto& mask : fault.masked_by()) {
      if (ids.contains(mask) && !before.contains(mask)) {
        problems.push_back(fmt::format("faults \"{}\" and \"{}\" mask each other", fault.id(), mask));
      }
    }
    before.insert(fault.id());
  }
  return problems;
}

}  // namespace rdpmend
