#include "service/scenario_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "agent-lib/sim/sim_host.hpp"
#include "agent-lib/support/time.hpp"
#include "agent-lib/support/utf8.hpp"
#include "service/config/textproto_file.hpp"

namespace rdpmend {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Tree = google::protobuf::TextFormat::ParseInfoTree;

constexpr Duration k_longest = std::chrono::days{36'500};  // Times further away are beyond what a time point holds.
constexpr std::uint32_t k_most_sessions = 1000;
constexpr std::uint64_t k_most_times = 10'000;
constexpr std::uint64_t k_most_events = 100'000;  // Of one scenario.

bool is_element_name(std::string_view name) {
  const auto begins = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && begins(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return begins(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; });
}

std::set<std::string> unknown_services(const v1::Scenario& scenario) {
  v1::Scenario bare;
  bare.set_build(scenario.build());
  sim::SimHost host(bare, {});
  std::set<std::string> unknown;
  for (const auto& change : scenario.changes()) {
    for (const auto& service : change.services()) {
      const auto found = host.control().services.find(service.name());
      if (!found || !*found) unknown.insert(service.name());
    }
  }
  return unknown;
}

// What the grammar allows and a rehearsed host cannot play.
class ScenarioCheck {
 public:
  ScenarioCheck(const v1::Scenario& scenario, const Catalogue& catalogue)
      : catalogue_(catalogue), unknown_services_(unknown_services(scenario)) {}

  std::vector<TextprotoError> errors;

  void walk(const Message& message, const Tree* tree) {
    tree_ = tree;
    check(message);
    std::vector<const FieldDescriptor*> fields;
    const auto* reflection = message.GetReflection();
    reflection->ListFields(message, &fields);
    for (const auto* field : fields) {
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      const int count = field->is_repeated() ? reflection->FieldSize(message, field) : 1;
      for (int i = 0; i < count; ++i) {
        const auto& inner = field->is_repeated() ? reflection->GetRepeatedMessage(message, field, i)
                                                 : reflection->GetMessage(message, field);
        const int index = field->is_repeated() ? i : -1;
        at_ = place(tree, field, index);
        walk(inner, tree == nullptr ? nullptr : tree->GetTreeForNested(field, index));
      }
    }
  }

 private:
  struct Place {
    int line = 1;
    int column = 1;
  };

  Place place(const Tree* tree, const FieldDescriptor* field, int index) const {
    if (tree == nullptr) return at_;
    const auto found = tree->GetLocation(field, index);
    return found.line < 0 ? at_ : Place{found.line + 1, found.column + 1};
  }

  // At the field, or where it is not there, at its message.
  void wrong(const Message& message, const char* field, std::string problem) {
    const auto at = place(tree_, message.GetDescriptor()->FindFieldByName(field), -1);
    errors.push_back({at.line, at.column, fmt::format("{}: {}", field, problem)});
  }

  void check(const Message& message) {
    if (const auto* duration = dynamic_cast<const google::protobuf::Duration*>(&message)) {
      if (const auto time = from_proto(*duration); time > k_longest || time < -k_longest)
        errors.push_back({at_.line, at_.column, "a time must be shorter than a hundred years"});
    } else if (const auto* scenario = dynamic_cast<const v1::Scenario*>(&message)) {
      check_scenario(*scenario);
    } else if (const auto* change = dynamic_cast<const v1::SimChange*>(&message)) {
      check_change(*change);
    } else if (const auto* event = dynamic_cast<const v1::SimEvent*>(&message)) {
      check_event(*event);
    } else if (const auto* service = dynamic_cast<const v1::SimService*>(&message)) {
      if (unknown_services_.contains(service->name()))
        wrong(*service, "name",
              fmt::format("the rehearsed host has no service '{}'; give its short name", service->name()));
    } else if (const auto* rule = dynamic_cast<const v1::SimFirewallRule*>(&message)) {
      if (rule->rule_id().empty()) wrong(*rule, "rule_id", "name the rule, for example RemoteDesktop-UserMode-In-TCP");
    } else if (const auto* value = dynamic_cast<const v1::SimRegistryValue*>(&message)) {
      if (!value->key().starts_with("HKLM\\"))
        wrong(*value, "key", R"(a key begins with HKLM\, written HKLM\\ in textproto)");
    } else if (const auto* incident = dynamic_cast<const v1::Expect::Incident*>(&message)) {
      check_expected(*incident);
    }
  }

  void check_scenario(const v1::Scenario& scenario) {
    if (scenario.sessions() > k_most_sessions)
      wrong(scenario, "sessions", fmt::format("at most {} people work on the host", k_most_sessions));
    std::uint64_t events = 0;
    for (const auto& change : scenario.changes()) {
      for (const auto& event : change.events()) events += std::max(event.times(), 1U);
    }
    if (events > k_most_events) wrong(scenario, "changes", fmt::format("at most {} events are logged", k_most_events));
  }

  void check_change(const v1::SimChange& change) {
    const auto after = from_proto(change.after());
    if (after < Duration::zero()) {
      wrong(change, "after", "a change comes after the start, or has no 'after'");
    } else if (after < last_after_) {
      wrong(change, "after", "changes stand in the order of their time");
    }
    last_after_ = std::max(last_after_, after);
  }

  void check_event(const v1::SimEvent& event) {
    if (event.channel().empty()) wrong(event, "channel", "name the channel, for example System");
    if (event.provider().empty()) wrong(event, "provider", "name the provider, as in Provider/@Name");
    if (event.event_id() == 0) wrong(event, "event_id", "give the event's number");
    if (event.event_id() > 0xFFFF) wrong(event, "event_id", "give the number without its Qualifiers: at most 65535");
    if (event.times() > k_most_times) wrong(event, "times", fmt::format("at most {}", k_most_times));
    if (from_proto(event.spacing()) < Duration::zero()) wrong(event, "spacing", "must not be negative");
    if (event.user_data().empty()) return;
    if (!is_element_name(event.user_data())) wrong(event, "user_data", "must be the name of an XML element: EventXML");
    const auto is_named = [](const auto& data) { return is_element_name(data.name()); };
    if (!std::ranges::all_of(event.data(), is_named)) wrong(event, "user_data", "each of its data needs a name of XML");
  }

  void check_expected(const v1::Expect::Incident& incident) {
    if (catalogue_.find_fault(incident.fault_id()) != nullptr) return;
    std::vector<std::string> known;
    for (const auto& fault : catalogue_.faults()) known.push_back(fault.id());
    wrong(incident, "fault_id",
          fmt::format("there is no fault '{}'; known are {}", incident.fault_id(), fmt::join(known, ", ")));
  }

  const Catalogue& catalogue_;
  const std::set<std::string> unknown_services_;
  const Tree* tree_ = nullptr;
  Place at_;  // Of the message that is looked at.
  Duration last_after_{};
};

}  // namespace

ParsedScenario parse_scenario(const std::string& name, std::string_view textproto, const Catalogue& catalogue) {
  ParsedScenario result;
  Tree tree;
  std::vector<TextprotoError> errors;
  if (parse_textproto(textproto, result.scenario, errors, &tree)) {
    ScenarioCheck check(result.scenario, catalogue);
    check.walk(result.scenario, &tree);
    errors = std::move(check.errors);
    if (errors.size() > k_max_textproto_errors) errors.resize(k_max_textproto_errors);
  }
  result.problems = problems_at(name, std::move(errors));
  return result;
}

Result<v1::Scenario> load_scenario(const std::filesystem::path& file, const Catalogue& catalogue) {
  const auto text = read_textproto(file, "scenario file", "Give a readable file, or the name of a built-in scenario.");
  if (!text) return fail(text.error());
  auto parsed = parse_scenario(to_utf8(file), *text, catalogue);
  if (!parsed.problems.empty()) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}", fmt::join(parsed.problems, "\n")),
                "Correct the scenario file; proto/rdpmend/v1/scenario.proto says what may stand in it.");
  }
  auto& scenario = parsed.scenario;
  if (scenario.name().empty()) scenario.set_name(to_utf8(file.stem()));
  if (scenario.title().empty()) scenario.set_title("from " + to_utf8(file));
  return std::move(scenario);
}

}  // namespace rdpmend
