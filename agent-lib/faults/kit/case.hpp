// What a fault says when it is present: a diagnosis, sentence by sentence.
#pragma once

#include <string>
#include <string_view>

#include "rdpmend/v1/plan.pb.h"
#include "rdpmend/v1/probe.pb.h"

namespace rdpmend::faults {

class Case {
 public:
  // On one subject, summed up in one line for people, which may hold ages.
  Case(std::string_view subject, std::string summary);

  // What the diagnosis rests on. Another value is another diagnosis.
  Case& saw(std::string_view what, std::string_view found, std::string_view expected, std::string_view source);
  // What may help people and differs from look to look: an age, the newest event, who changed something.
  Case& noted(std::string_view what, std::string_view found, std::string_view expected, std::string_view source);
  Case& noted(const v1::ProbeReport& report);

  // What plan and verify need to know of it again. Keys belong to the fault.
  Case& keeps(const std::string& key, std::string_view value);

  // What a human should do. All that is said is kept, the same once.
  Case& advises(std::string_view text);
  // The service can repair it. Else it is reported only.
  Case& can_be_repaired(bool can = true);
  // The repair waits for approval whatever the mode: what is found may be how the host is meant to be.
  Case& asks_first();

  const v1::Diagnosis& diagnosis() const { return diagnosis_; }
  operator v1::Diagnosis() && { return std::move(diagnosis_); }  // NOLINT(google-explicit-constructor): a case is one.

 private:
  v1::Evidence& add(std::string_view what, std::string_view found, std::string_view expected, std::string_view source);

  v1::Diagnosis diagnosis_;
};

// A fact of a diagnosis; empty: it has none of this name.
std::string fact(const v1::Diagnosis& diagnosis, const std::string& key);

}  // namespace rdpmend::faults
