// One fault over a simulated host, without an engine: what it finds, plans and proves.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent-lib/engine/baseline.hpp"
#include "agent-lib/engine/detection.hpp"
#include "agent-lib/engine/seen_once.hpp"
#include "agent-lib/steps/step_kind.hpp"
#include "tests/engine/rehearsed_engine.hpp"

namespace rdpmend::test {

class FaultBench {
 public:
  FaultBench(std::string fault_id, const v1::Scenario& story) : host(story, {}), fault_id_(std::move(fault_id)) {}
  FaultBench(std::string fault_id, const std::string& story) : FaultBench(std::move(fault_id), scenario(story)) {}

  // As the engine looks, but at this fault alone, whatever masks it.
  Finding look(const HostView& at, const v1::Signal& signal = {}) const { return findings(at, signal).front(); }
  Finding look(const v1::Signal& signal = {}) const { return look(view(), signal); }

  // On each subject that it is present on.
  std::vector<v1::Diagnosis> diagnoses() const {
    std::vector<v1::Diagnosis> found;
    for (const auto& finding : findings(view(), {})) {
      if (finding.has_diagnosis()) found.push_back(finding.diagnosis());
    }
    return found;
  }

  // The diagnosis on the one subject that it is present on; nullopt: it is absent. A test failure: it is unknown.
  std::optional<v1::Diagnosis> detect(const HostView& at, const v1::Signal& signal = {}) const {
    const auto finding = look(at, signal);
    EXPECT_NE(finding.outcome(), Finding::OUTCOME_UNKNOWN) << finding.detail();
    return finding.has_diagnosis() ? std::optional(finding.diagnosis()) : std::nullopt;
  }
  std::optional<v1::Diagnosis> detect(const v1::Signal& signal = {}) const { return detect(view(), signal); }

  v1::Plan plan(const v1::Diagnosis& diagnosis) const {
    const auto at = view();
    return detection(at).plan(at, diagnosis, "test").value().plan;
  }
  v1::Plan plan() const { return plan(detect().value()); }

  // After a last step that was done now.
  v1::Verdict verify(v1::Diagnosis diagnosis = {}) const {
    diagnosis.set_fault_id(fault_id_);
    const auto at = view();
    return detection(at).verify(at, diagnosis, at.clock.now()).value();
  }

  // What the host is like now is remembered as healthy.
  void remember_healthy() {
    baseline = read_baseline(view());
    *baseline.mutable_seen() = to_proto(view().clock.now());
  }

  HostView view() const { return const_cast<sim::SimHost&>(host).control().view(); }

  void set_registry(std::string_view key, const std::string& name, std::uint32_t number) {
    value(key, name, [&](auto& value) { value.set_dword(number); });
  }
  void set_registry(std::string_view key, const std::string& name, const std::string& text) {
    value(key, name, [&](auto& value) { value.set_text(text); });
  }
  void set_registry_binary(std::string_view key, const std::string& name, const std::string& bytes) {
    value(key, name, [&](auto& value) { value.set_binary(bytes); });
  }
  void remove_registry(std::string_view key, const std::string& name) {
    value(key, name, [&](auto& value) { value.set_absent(true); });
  }

  sim::SimHost host;
  v1::Baseline baseline;                          // That the service remembers.
  std::vector<v1::Loan> loans;                    // That run.
  std::optional<v1::OutsideProbe> outside_probe;  // That a client told of.

 private:
  // What the log holds is all that was counted.
  Detection detection(const HostView& at) const {
    return Detection(unmasked_, faults_, [this, &at] {
      Tallies tallies(all_.rules(), at.clock);
      (void)tallies.read_back(at.events, OwnProbes(at.listener, at.clock));
      return Known{baseline, tallies.snapshot(), loans, outside_probe};
    });
  }

  std::vector<Finding> findings(const HostView& at, const v1::Signal& signal) const {
    const SeenOnce seen(at);
    auto found = detection(at).run(seen.view(), signal);
    std::erase_if(found, [&](const Finding& one) { return one.fault_id() != fault_id_; });
    if (found.empty()) throw std::logic_error("there is no fault " + fault_id_);
    return found;
  }

  template <class Set>
  void value(std::string_view key, const std::string& name, Set set) {
    v1::SimChange change;
    auto& value = *change.add_registry();
    value.set_key("HKLM\\" + std::string(key));
    value.set_name(name);
    set(value);
    host.change(change);
  }

  static Catalogue only_this(const std::string& fault_id) {
    v1::FaultFile file;
    *file.mutable_fault() = *Catalogue::built_in().find_fault(fault_id);
    file.mutable_fault()->clear_masked_by();
    file.mutable_fault()->clear_masks();
    return Catalogue({file}, {});
  }

  const std::string fault_id_;
  const std::vector<std::unique_ptr<Fault>> faults_ = make_faults();
  const Catalogue all_ = Catalogue::built_in();
  const Catalogue unmasked_ = only_this(fault_id_);
};

// What a plan would write, in its order.
inline std::vector<std::string> writes(const v1::Plan& plan) {
  std::vector<std::string> lines;
  for (const auto& rung : plan.rungs()) {
    for (const auto& step : rung.steps()) lines.push_back(step.description());
  }
  return lines;
}

}  // namespace rdpmend::test
