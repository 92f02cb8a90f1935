// Findings for people and for programs.
#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "agent-lib/support/utf8.hpp"
#include "service/selftest/selftest.hpp"

namespace rdpmend {

namespace {

using google::protobuf::Struct;

std::size_t count(const std::vector<Finding>& findings, Finding::Outcome outcome) {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(), [&](const auto& f) { return f.outcome == outcome; }));
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

v1::SelfTestResponse::Finding::Outcome to_message(Finding::Outcome outcome) {
  using Message = v1::SelfTestResponse::Finding;
  switch (outcome) {
    case Finding::Outcome::holds: return Message::OUTCOME_AS_EXPECTED;
    case Finding::Outcome::differs: return Message::OUTCOME_DIFFERENT;
    case Finding::Outcome::not_here: return Message::OUTCOME_NOT_HERE;
    case Finding::Outcome::not_checked: return Message::OUTCOME_NOT_CHECKED;
  }
  return Message::OUTCOME_UNSPECIFIED;
}

}  // namespace

v1::SelfTestResponse to_message(const std::vector<Finding>& findings) {
  v1::SelfTestResponse message;
  for (const auto& finding : findings) {
    auto& out = *message.add_findings();
    out.set_area(to_valid_utf8(finding.area));
    out.set_what(to_valid_utf8(finding.what));
    out.set_outcome(to_message(finding.outcome));
    out.set_expected(to_valid_utf8(finding.expected));
    out.set_found(to_valid_utf8(finding.found));
    out.set_source(to_valid_utf8(finding.source));
  }
  return message;
}

std::string to_table(const std::vector<Finding>& findings) {
  constexpr int k_outcome = 11;
  constexpr int k_area = 13;
  std::string out;
  for (const auto& finding : findings) {
    out += fmt::format("{:<{}} {:<{}} {}\n", to_string(finding.outcome), k_outcome, finding.area, k_area,
                       one_line(finding.what));
    const auto line = [&](std::string_view name, std::string_view text) {
      out += fmt::format("{:{}} {:<9} {}\n", "", k_outcome + 1 + k_area, name, one_line(text));
    };
    line("found", finding.found);
    line("expected", finding.expected);
    line("source", finding.source);
  }
  return out +
         fmt::format("\n{} hold, {} differ, {} are not here, {} were not checked.\n",
                     count(findings, Finding::Outcome::holds), count(findings, Finding::Outcome::differs),
                     count(findings, Finding::Outcome::not_here), count(findings, Finding::Outcome::not_checked)) +
         (count(findings, Finding::Outcome::not_checked) == 0
              ? ""
              : "What was not checked needs the service's rights: with the service running, 'rdpmend selftest'.\n");
}

std::string to_json(const std::vector<Finding>& findings, const HostIdentity& identity) {
  Struct root;
  set(root, "version", RDPMEND_VERSION);
  set(root, "host", identity.name);
  set(root, "kind", identity.kind);
  auto& list = *(*root.mutable_fields())["findings"].mutable_list_value();
  for (const auto& finding : findings) {
    auto& object = *list.add_values()->mutable_struct_value();
    set(object, "area", finding.area);
    set(object, "what", finding.what);
    set(object, "outcome", to_string(finding.outcome));
    set(object, "expected", finding.expected);
    set(object, "found", finding.found);
    set(object, "source", finding.source);
  }
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string out;
  if (!google::protobuf::util::MessageToJsonString(root, &out, options).ok()) return "{}\n";
  return out;
}

}  // namespace rdpmend
