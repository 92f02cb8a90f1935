#include "agent-lib/engine/inquiries.hpp"

#include <fmt/format.h>

#include "agent-lib/engine/seen_once.hpp"

namespace rdpmend {

namespace {

// Of these faults; of none: of all.
Reasons asked_for(const std::set<std::string>& fault_ids) {
  v1::Signal signal;
  signal.set_kind(v1::Signal::KIND_REQUEST);
  for (const auto& id : fault_ids) signal.add_fault_ids(id);
  return signal;
}

}  // namespace

Inquiries::Inquiries(const HostView& host, const Detection& detection, const Checkup& checkup, Jobs& jobs)
    : host_(host), detection_(detection), checkup_(checkup), jobs_(jobs) {}

template <class T>
void Inquiries::ask(Callback<T> done, Wanted wanted, std::function<Result<T>(const Wanted&)> work) {
  if (stopping_) return done(fail(ErrorCode::unavailable, "the service is stopping", "Try again when it runs."));
  if (waiting_ >= k_most_at_once) {
    return done(fail(ErrorCode::exhausted,
                     fmt::format("{} diagnoses, checks, plans and selftests are being worked on", waiting_),
                     "Try again when they are done; the host may be slow to answer."));
  }
  ++waiting_;
  const Wanted still_wanted = [this, wanted = std::move(wanted)] { return !stopping_ && wanted(); };
  jobs_.run<T>(
      "answer",
      [still_wanted, work = std::move(work)] {
        return still_wanted() ? work(still_wanted)
                              : Result<T>(fail(ErrorCode::cancelled, "nobody waits for the answer any more"));
      },
      [this, done = std::move(done)](Result<T> result) {
        --waiting_;
        done(std::move(result));
      });
}

void Inquiries::diagnose(std::set<std::string> fault_ids, Duration probe_deadline, Wanted wanted,
                         Callback<v1::DiagnoseResponse> done) {
  ask<v1::DiagnoseResponse>(std::move(done), std::move(wanted),
                            [this, fault_ids = std::move(fault_ids), probe_deadline](const Wanted& still_wanted) {
                              return look(fault_ids, probe_deadline, still_wanted);
                            });
}

void Inquiries::health(Wanted wanted, Callback<v1::GetHealthResponse> done) {
  ask<v1::GetHealthResponse>(std::move(done), std::move(wanted),
                             [this](const Wanted&) { return Result<v1::GetHealthResponse>(check()); });
}

void Inquiries::plan(std::string fault_id, Wanted wanted, Callback<v1::PlanRepairResponse> done) {
  ask<v1::PlanRepairResponse>(std::move(done), std::move(wanted),
                              [this, fault_id = std::move(fault_id)](const Wanted&) { return dry_run(fault_id); });
}

void Inquiries::self_test(SelfTest test, Wanted wanted, Callback<v1::SelfTestResponse> done) {
  ask<v1::SelfTestResponse>(std::move(done), std::move(wanted),
                            [this, test = std::move(test)](const Wanted&) { return test(host_); });
}

Result<v1::DiagnoseResponse> Inquiries::look(const std::set<std::string>& fault_ids, Duration probe_deadline,
                                             const Wanted& wanted) const {
  v1::DiagnoseResponse response;
  const SeenOnce seen(host_);
  const auto& listener = seen.view().listener;
  auto findings = detection_.run(seen.view(), asked_for(fault_ids));
  if (!wanted()) return response;
  if (fault_ids.empty()) response.mutable_checks()->Swap(checkup_.run(seen.view(), findings).mutable_checks());
  for (auto& finding : findings) *response.add_findings() = std::move(finding);
  if (!wanted()) return response;
  if (auto report = listener.probe(ProbeFrom::loopback, probe_deadline)) *response.mutable_loopback_probe() = *report;
  if (!wanted()) return response;
  if (auto report = listener.probe(ProbeFrom::own_address, probe_deadline))
    *response.mutable_own_address_probe() = *report;
  return response;
}

v1::GetHealthResponse Inquiries::check() const {
  const SeenOnce seen(host_);
  return checkup_.run(seen.view(), detection_.run(seen.view(), asked_for({})));
}

Result<v1::PlanRepairResponse> Inquiries::dry_run(const std::string& fault_id) const {
  v1::PlanRepairResponse response;
  const SeenOnce seen(host_);
  for (const auto& finding : detection_.run(seen.view(), asked_for({fault_id}))) {
    if (finding.fault_id() != fault_id || finding.outcome() == Finding::OUTCOME_ABSENT) continue;
    if (finding.outcome() != Finding::OUTCOME_PRESENT) {
      return fail(finding.outcome() == Finding::OUTCOME_MASKED ? ErrorCode::conflict : ErrorCode::unavailable,
                  fmt::format("{} cannot be planned for: {}", fault_id, finding.detail()));
    }
    auto made = detection_.plan(seen.view(), finding.diagnosis(), "dry-run");
    if (!made) return fail(std::move(made).error());
    auto& dry_run = *response.add_dry_runs();
    *dry_run.mutable_diagnosis() = finding.diagnosis();
    *dry_run.mutable_plan() = std::move(made->plan);
  }
  return response;
}

}  // namespace rdpmend
