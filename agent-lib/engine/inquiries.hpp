// What administrators ask of the worker without wanting anything written: diagnoses, checks, dry runs, selftests. It
// also repairs, so only a few may wait for it at a time, and those that nobody waits for any more are not carried out.
#pragma once

#include <atomic>
#include <functional>
#include <set>
#include <string>

#include "agent-lib/engine/checkup.hpp"
#include "agent-lib/engine/detection.hpp"
#include "agent-lib/engine/jobs.hpp"
#include "rdpmend/v1/agent.pb.h"

namespace rdpmend {

class Inquiries {
 public:
  template <class T>
  using Callback = std::function<void(Result<T>)>;
  using Wanted = std::function<bool()>;  // From the worker: whether somebody still waits for the answer.
  using SelfTest = std::function<v1::SelfTestResponse(const HostView&)>;  // On the worker.
  static constexpr std::size_t k_most_at_once = 4;

  Inquiries(const HostView& host, const Detection& detection, const Checkup& checkup, Jobs& jobs);

  // On the engine's executor, as the callback. Two probes of `probe_deadline` besides what the faults look at.
  void diagnose(std::set<std::string> fault_ids, Duration probe_deadline, Wanted wanted,
                Callback<v1::DiagnoseResponse> done);
  // All checks, by a look of their own.
  void health(Wanted wanted, Callback<v1::GetHealthResponse> done);
  void plan(std::string fault_id, Wanted wanted, Callback<v1::PlanRepairResponse> done);
  void self_test(SelfTest test, Wanted wanted, Callback<v1::SelfTestResponse> done);

  // From now on every inquiry fails, also those that wait.
  void stop() { stopping_ = true; }

 private:
  template <class T>
  void ask(Callback<T> done, Wanted wanted, std::function<Result<T>(const Wanted&)> work);
  Result<v1::DiagnoseResponse> look(const std::set<std::string>& fault_ids, Duration probe_deadline,
                                    const Wanted& wanted) const;
  v1::GetHealthResponse check() const;
  Result<v1::PlanRepairResponse> dry_run(const std::string& fault_id) const;

  const HostView host_;
  const Detection& detection_;
  const Checkup& checkup_;
  Jobs& jobs_;
  std::size_t waiting_ = 0;  // Of the engine's thread.
  std::atomic<bool> stopping_{false};
};

}  // namespace rdpmend
