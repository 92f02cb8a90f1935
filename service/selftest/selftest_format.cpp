// A selftest for people and for programs.
#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "agent-lib/support/utf8.hpp"
#include "service/selftest/selftest.hpp"

namespace rdpmend {

namespace {

using google::protobuf::Struct;

auto count(const v1::SelfTestResponse& test, Check::Outcome outcome) {
  return std::ranges::count(test.checks(), outcome, &Check::outcome);
}

void set(Struct& object, const std::string& name, std::string_view value) {
  (*object.mutable_fields())[name].set_string_value(to_valid_utf8(value));
}

// What was found comes from event logs and certificates, too: nothing of it may speak to the terminal.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7F ? ' ' : c;
  }
  return out;
}

}  // namespace

std::string_view to_word(Check::Outcome outcome) {
  switch (outcome) {
    case Check::OUTCOME_AS_EXPECTED: return "holds";
    case Check::OUTCOME_DIFFERENT: return "differs";
    case Check::OUTCOME_NOT_HERE: return "not here";
    case Check::OUTCOME_NOT_CHECKED: return "not checked";
    default: return "?";
  }
}

std::string to_table(const v1::SelfTestResponse& test) {
  constexpr int k_outcome = 11;
  constexpr int k_area = 13;
  std::string out;
  for (const auto& check : test.checks()) {
    out += fmt::format("{:<{}} {:<{}} {}\n", to_word(check.outcome()), k_outcome, check.area(), k_area,
                       one_line(check.what()));
    const auto line = [&](std::string_view name, std::string_view text) {
      out += fmt::format("{:{}} {:<9} {}\n", "", k_outcome + 1 + k_area, name, one_line(text));
    };
    line("found", check.found());
    line("expected", check.expected());
    line("source", check.source());
  }
  return out +
         fmt::format("\n{} hold, {} differ, {} are not here, {} were not checked.\n",
                     count(test, Check::OUTCOME_AS_EXPECTED), count(test, Check::OUTCOME_DIFFERENT),
                     count(test, Check::OUTCOME_NOT_HERE), count(test, Check::OUTCOME_NOT_CHECKED)) +
         (count(test, Check::OUTCOME_NOT_CHECKED) == 0
              ? ""
              : "What was not checked needs the service's rights: with the service running, 'rdpmend selftest'.\n");
}

std::string to_json(const v1::SelfTestResponse& test, const HostIdentity& identity) {
  Struct root;
  set(root, "version", RDPMEND_VERSION);
  set(root, "host", identity.name);
  set(root, "kind", identity.kind);
  auto& list = *(*root.mutable_fields())["checks"].mutable_list_value();
  for (const auto& check : test.checks()) {
    auto& object = *list.add_values()->mutable_struct_value();
    set(object, "area", check.area());
    set(object, "what", check.what());
    set(object, "outcome", to_word(check.outcome()));
    set(object, "expected", check.expected());
    set(object, "found", check.found());
    set(object, "source", check.source());
  }
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string out;
  if (!google::protobuf::util::MessageToJsonString(root, &out, options).ok()) return "{}\n";
  return out;
}

}  // namespace rdpmend
