#include "agent-lib/engine/checkup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rdpmend {

namespace {

v1::Check unknown(std::string why) {
  v1::Check check;
  check.set_answer(v1::Check::ANSWER_UNKNOWN);
  check.set_summary(std::move(why));
  return check;
}

// The first fault that is present gives the summary; the evidence of all of them stands before that of the check.
void add_present(const Finding& finding, v1::Check& check) {
  const auto& diagnosis = finding.diagnosis();
  if (check.fault_ids().empty()) check.set_summary(diagnosis.summary());
  check.set_answer(v1::Check::ANSWER_FAULTY);
  check.set_out_of_sight(false);
  check.add_fault_ids(finding.fault_id());
  check.mutable_evidence()->MergeFrom(diagnosis.evidence());
}

// What the fault would have said is not known, so that the check's own reading proves nothing.
void add_unseen(const Finding& finding, v1::Check& check) {
  check.set_answer(v1::Check::ANSWER_UNKNOWN);
  check.set_out_of_sight(false);
  check.set_summary(fmt::format("{}: {}", finding.fault_id(), finding.detail()));
  check.add_fault_ids(finding.fault_id());
}

void join(const std::vector<const Finding*>& findings, v1::Check& check) {
  const auto add_all = [&](Finding::Outcome outcome, void (*add)(const Finding&, v1::Check&)) {
    for (const auto* finding : findings) {
      if (finding->outcome() == outcome) add(*finding, check);
    }
  };
  const auto own = std::exchange(*check.mutable_evidence(), {});
  add_all(Finding::OUTCOME_PRESENT, add_present);
  check.mutable_evidence()->MergeFrom(own);
  if (!check.fault_ids().empty()) return;
  // A mask that is no fault of this stage may be the reason of what was read here, as a wrong clock is for dates.
  add_all(Finding::OUTCOME_MASKED, add_unseen);
  if (check.answer() != v1::Check::ANSWER_FAULTY) add_all(Finding::OUTCOME_UNKNOWN, add_unseen);
}

v1::Check::Answer answer_of_all(const v1::GetHealthResponse& health) {
  const auto any = [&](auto is) { return std::any_of(health.checks().begin(), health.checks().end(), is); };
  if (any([](const v1::Check& check) { return check.answer() == v1::Check::ANSWER_FAULTY; }))
    return v1::Check::ANSWER_FAULTY;
  if (any([](const v1::Check& check) { return check.answer() != v1::Check::ANSWER_HEALTHY && !check.out_of_sight(); }))
    return v1::Check::ANSWER_UNKNOWN;
  return v1::Check::ANSWER_HEALTHY;
}

}  // namespace

Checkup::Checkup(const Catalogue& catalogue, std::span<const checks::Check> checks,
                 std::function<checks::OwnState()> own)
    : catalogue_(catalogue), checks_(checks), own_(std::move(own)) {}

v1::GetHealthResponse Checkup::run(const HostView& host, const std::vector<Finding>& findings) const {
  const Known nothing;  // Checks ask the host alone.
  const Look look{host, {}, nothing};
  const auto own = own_();
  v1::GetHealthResponse health;
  for (const auto& asked : checks_) *health.add_checks() = answer(asked, look, own, findings);
  health.set_answer(answer_of_all(health));
  health.set_host_name(host.identity.name);
  *health.mutable_looked_at() = to_proto(host.clock.now());
  return health;
}

v1::Check Checkup::answer(const checks::Check& asked, const Look& look, const checks::OwnState& own,
                          const std::vector<Finding>& findings) const {
  auto read = guarded([&] { return asked.look(look, own); });
  auto check = read ? std::move(*read) : unknown(to_string(read.error()));
  std::vector<const Finding*> of_its_stage;
  for (const auto& finding : findings) {
    const auto* fault = catalogue_.find_fault(finding.fault_id());
    if (fault != nullptr && fault->stage() == asked.stage) of_its_stage.push_back(&finding);
  }
  join(of_its_stage, check);
  bound_evidence(*check.mutable_evidence());
  check.set_name(std::string(asked.name));
  check.set_asks(std::string(asked.asks));
  check.set_stage(asked.stage);
  check.set_fatal(asked.fatal);
  *check.mutable_looked_at() = to_proto(look.host.clock.now());
  return check;
}

}  // namespace rdpmend
