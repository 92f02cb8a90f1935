#include "service/config/config_check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "agent-lib/support/address.hpp"
#include "service/config/config_bounds.hpp"

namespace rdpmend {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::TextFormat;

constexpr std::array<std::string_view, 7> k_days{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr int k_max_windows = 64;
constexpr int k_max_site_rules = 64;

const FieldDescriptor* field_named(const Message& message, std::string_view name) {
  return message.GetDescriptor()->FindFieldByName(std::string(name));
}

bool is_time_of_day(const std::string& text) {
  const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) return false;
  return text.substr(0, 2) < "24" && text.substr(3) < "60";
}

// A message, where its fields stand in the file, and what people call it: "policy.faults[1]".
struct Place {
  const Message& message;
  const TextFormat::ParseInfoTree* tree;
  TextFormat::ParseLocation at;
  std::string path;
};

class Checker {
 public:
  Checker(const Catalogue& catalogue, Parsed parsed) : catalogue_(catalogue), parsed_(parsed) {}

  // The table's rules on this message and all within it.
  void check_bounds(const Place& place) {
    for (const auto& [field, problem] : out_of_bounds(place.message)) add(place, field, -1, problem);
    const auto* reflection = place.message.GetReflection();
    std::vector<const FieldDescriptor*> present;
    reflection->ListFields(place.message, &present);
    for (const auto* field : present) {
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      const int count = field->is_repeated() ? reflection->FieldSize(place.message, field) : 1;
      for (int i = 0; i < count; ++i)
        check_bounds(child(place, std::string(field->name()), field->is_repeated() ? i : -1));
    }
  }

  void check_meaning(const v1::ServiceConfig& config, const Place& root) {
    if (config.has_rpc() && !config.rpc().listen().empty()) {
      const auto checked = parse_listen_address(config.rpc().listen());
      if (!checked) {
        add(child(root, "rpc"), "listen", -1, fmt::format("{}. {}", checked.error().what, checked.error().hint));
      }
    }
    if (config.has_log() && !v1::LogConfig::Level_IsValid(config.log().level())) {
      add(child(root, "log"), "level", -1,
          fmt::format("{} is no level. Use LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARNING or LEVEL_ERROR.",
                      static_cast<int>(config.log().level())));
    }
    if (config.has_policy()) check_policy(config.policy(), child(root, "policy"));
    check_site_rules(config, root);
  }

  std::vector<TextprotoError> take() { return std::move(problems_); }

 private:
  Place child(const Place& place, const std::string& name, int index = -1) const {
    const auto* field = field_named(place.message, name);
    const auto* reflection = place.message.GetReflection();
    const auto* tree = place.tree == nullptr ? nullptr : place.tree->GetTreeForNested(field, index);
    const auto at = location(place, field, index);
    const auto prefix = place.path.empty() ? name : place.path + "." + name;
    if (index < 0) return {reflection->GetMessage(place.message, field), tree, at, prefix};
    return {reflection->GetRepeatedMessage(place.message, field, index), tree, at,
            fmt::format("{}[{}]", prefix, index)};
  }

  // In a list written as [a, b] only the first value's place is remembered.
  static TextFormat::ParseLocation location(const Place& place, const FieldDescriptor* field, int index) {
    if (place.tree == nullptr) return {};
    auto at = place.tree->GetLocation(field, index);
    for (int before = index - 1; at.line < 0 && before >= 0; --before) at = place.tree->GetLocation(field, before);
    return at;
  }

  void add(const Place& place, std::string_view name, int index, std::string_view problem) {
    const auto number = index < 0 ? std::string{} : fmt::format("[{}]", index);
    add_at(location(place, field_named(place.message, name), index), place, fmt::format("{}{}", name, number), problem);
  }

  // A field that is not there has no place: its message's does.
  void missing(const Place& place, std::string_view name, std::string_view problem) {
    if (parsed_ == Parsed::all) add_at(place.at, place, name, problem);
  }

  // The parser counts from 0, and says -1 where it does not know.
  void add_at(TextFormat::ParseLocation at, const Place& place, std::string_view name, std::string_view problem) {
    const auto path = place.path.empty() ? std::string(name) : fmt::format("{}.{}", place.path, name);
    problems_.push_back({std::max(at.line, 0) + 1, std::max(at.column, 0) + 1, fmt::format("{}: {}", path, problem)});
  }

  void check_policy(const v1::PolicyConfig& policy, const Place& place) {
    std::set<std::string> seen;
    for (int i = 0; i < policy.faults_size(); ++i) check_fault(policy.faults(i), child(place, "faults", i), seen);
    if (policy.repair_windows_size() > k_max_windows) {
      add(place, "repair_windows", k_max_windows, fmt::format("there are more than {}. Join some.", k_max_windows));
    }
    for (int i = 0; i < policy.repair_windows_size(); ++i) {
      check_window(policy.repair_windows(i), child(place, "repair_windows", i));
    }
  }

  void check_fault(const v1::FaultPolicy& fault, const Place& place, std::set<std::string>& seen) {
    if (fault.fault_id().empty()) {
      missing(place, "fault_id", "it is missing. Say which fault this is about.");
    } else if (catalogue_.find_fault(fault.fault_id()) == nullptr) {
      std::vector<std::string> known;
      for (const auto& info : catalogue_.faults()) known.push_back(info.id());
      add(place, "fault_id", -1,
          fmt::format("there is no fault \"{}\". Known are: {}.", fault.fault_id(), fmt::join(known, ", ")));
    } else if (!seen.insert(fault.fault_id()).second) {
      add(place, "fault_id", -1, fmt::format("there is more than one policy for \"{}\". Keep one.", fault.fault_id()));
    }
    if (!v1::FaultMode_IsValid(fault.mode())) {
      add(place, "mode", -1,
          fmt::format("{} is no mode. Use FAULT_MODE_OBSERVE, FAULT_MODE_PROPOSE or FAULT_MODE_AUTO.",
                      static_cast<int>(fault.mode())));
    }
  }

  void check_window(const v1::MaintenanceWindow& window, const Place& place) {
    std::set<std::string> seen;
    for (int i = 0; i < window.days_size(); ++i) {
      const auto& day = window.days(i);
      if (std::find(k_days.begin(), k_days.end(), day) == k_days.end()) {
        add(place, "days", i, fmt::format("\"{}\" is no day. Use {}.", day, fmt::join(k_days, ", ")));
      } else if (!seen.insert(day).second) {
        add(place, "days", i, fmt::format("\"{}\" is there already. Keep one.", day));
      }
    }
    const bool begins = check_time(place, "begin", window.begin());
    const bool ends = check_time(place, "end", window.end());
    if (begins && ends && window.begin() == window.end()) {
      add(place, "end", -1, "the window ends when it begins. For a whole day write 00:00 to 23:59.");
    }
  }

  bool check_time(const Place& place, std::string_view field, const std::string& text) {
    if (text.empty()) {
      missing(place, field, "it is missing. Write a time of day from 00:00 to 23:59.");
      return false;
    }
    if (is_time_of_day(text)) return true;
    add(place, field, -1, fmt::format("\"{}\" is no time of day. Write HH:MM, from 00:00 to 23:59.", text));
    return false;
  }

  void check_site_rules(const v1::ServiceConfig& config, const Place& place) {
    if (config.site_rules_size() > k_max_site_rules) {
      add(place, "site_rules", k_max_site_rules,
          fmt::format("there are more than {}. Join some files.", k_max_site_rules));
    }
    std::set<std::string> seen;
    for (int i = 0; i < config.site_rules_size(); ++i) {
      const auto& file = config.site_rules(i);
      if (file.empty()) add(place, "site_rules", i, "it is empty. Name a file of rules.");
      if (!file.empty() && !seen.insert(file).second) {
        add(place, "site_rules", i, fmt::format("\"{}\" is there already. Keep one.", file));
      }
    }
  }

  const Catalogue& catalogue_;
  const Parsed parsed_;
  std::vector<TextprotoError> problems_;
};

}  // namespace

std::vector<TextprotoError> check_values(const v1::ServiceConfig& config, const TextFormat::ParseInfoTree& tree,
                                         Parsed parsed, const Catalogue& catalogue) {
  Checker checker(catalogue, parsed);
  const Place root{config, &tree, {}, ""};
  checker.check_bounds(root);
  checker.check_meaning(config, root);
  return checker.take();
}

}  // namespace rdpmend
