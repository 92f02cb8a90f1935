#include "agent-lib/faults/kit/case.hpp"

#include <algorithm>
#include <utility>

#include "agent-lib/faults/kit/evidence.hpp"

namespace rdpmend::faults {

Case::Case(std::string_view subject, std::string summary) {
  diagnosis_.set_subject(std::string(subject));
  diagnosis_.set_summary(std::move(summary));
}

v1::Evidence& Case::add(std::string_view what, std::string_view found, std::string_view expected,
                        std::string_view source) {
  add_evidence(*diagnosis_.mutable_evidence(), what, found, expected, source);
  return *diagnosis_.mutable_evidence()->rbegin();
}

Case& Case::saw(std::string_view what, std::string_view found, std::string_view expected, std::string_view source) {
  add(what, found, expected, source);
  return *this;
}

Case& Case::noted(std::string_view what, std::string_view found, std::string_view expected, std::string_view source) {
  add(what, found, expected, source).set_passing(true);
  return *this;
}

Case& Case::noted(const v1::ProbeReport& report) {
  add_probe_evidence(*diagnosis_.mutable_evidence(), report);
  return *this;
}

Case& Case::keeps(const std::string& key, std::string_view value) {
  (*diagnosis_.mutable_facts())[key] = std::string(value);
  return *this;
}

Case& Case::advises(std::string_view text) {
  auto& all = *diagnosis_.mutable_advice();
  if (all.find(text) != std::string::npos) return *this;
  if (!all.empty()) all += ' ';
  all += text;
  return *this;
}

Case& Case::can_be_repaired(bool can) {
  diagnosis_.set_repairable(can);
  return *this;
}

Case& Case::asks_first() {
  diagnosis_.set_ask_first(true);
  return *this;
}

std::string fact(const v1::Diagnosis& diagnosis, const std::string& key) {
  const auto found = diagnosis.facts().find(key);
  return found == diagnosis.facts().end() ? std::string() : found->second;
}

}  // namespace rdpmend::faults
