#include "tests/fault_sweep/sweep.hpp"

#include <fmt/format.h>

#include "agent-lib/record/incident_book.hpp"
#include "agent-lib/record/journal_chain.hpp"
#include "tests/engine/rehearsed_engine.hpp"

namespace rdpmend::test {

namespace {

using namespace std::chrono_literals;

constexpr Duration k_until_fault = 10s;    // The scenarios break the host within this time.
constexpr Duration k_long_enough = 45min;  // Two attempts with a cool-down and both verification windows.
constexpr int k_most_crashes = 5;

bool settled(const v1::Incident& incident) {
  return is_closed(incident.state()) || incident.state() == v1::INCIDENT_STATE_ESCALATED;
}

// An administrator who says yes to everything.
void approve(RehearsedEngine& engine, const v1::Incident& incident) {
  v1::ActRequest request;
  request.set_incident_id(incident.id());
  request.set_request_id(fmt::format("approval {}", incident.last_seq()));
  request.mutable_approve();
  engine.engine().act(request, {"sweep", "", ""}, [](const Result<v1::Incident>&) {});
}

// What must hold at every moment when no repair is going on.
std::string check(const v1::Incident& incident, sim::SimHost& host, const std::string& initial) {
  if (!incident.rollback_blocked().empty()) return {};
  if (incident.state() == v1::INCIDENT_STATE_REPAIRED) {
    return host.client_connects() ? "" : "the incident is repaired, but a client cannot connect";
  }
  if (incident.state() == v1::INCIDENT_STATE_CLEARED && host.client_connects()) return {};
  const auto now = host.fingerprint();
  if (now == initial) return {};
  return fmt::format("the incident is {} ({}), but the host is not as it was.\n--- before\n{}\n--- now\n{}",
                     to_string(incident.state()), incident.reason(), initial, now);
}

}  // namespace

Sweep::Sweep(const std::string& name, std::uint64_t seed) {
  const auto chosen = scenario(name);
  fault_id_ = chosen.fault_id();
  sim::SimOptions options;
  options.seed = seed;
  host_ = std::make_unique<sim::SimHost>(chosen, options);
  host_->advance(k_until_fault);
  initial_ = host_->fingerprint();
  host_->injector().reset_calls();
}

bool Sweep::run_once() {
  try {
    RehearsedEngine engine(*host_, journal_);
    return engine.run_until(
        [&] {
          const auto incident = engine.incident(fault_id_);
          if (incident == nullptr) return false;
          if (incident->state() == v1::INCIDENT_STATE_AWAITING_APPROVAL) approve(engine, *incident);
          return settled(*incident);
        },
        k_long_enough);
  } catch (const sim::Crash&) {
    ++crashes_;
    return false;
  }
}

void Sweep::run() {
  for (int i = 0; i <= k_most_crashes; ++i) {
    const int before = crashes_;
    if (run_once() || crashes_ == before) return;
  }
}

std::string Sweep::complaint() {
  IncidentBook book;
  auto previous = journal_genesis_hash();
  for (const auto& entry : all_entries(journal_)) {
    if (entry.previous_hash() != previous || entry.hash() != journal_hash(previous, entry))
      return fmt::format("the journal's chain breaks at {}", entry.seq());
    previous = entry.hash();
    book.apply(entry);
  }
  std::size_t of_fault = 0;
  std::string result = "there is no incident";
  for (const auto& [id, incident] : book.incidents()) {
    if (incident->diagnosis().fault_id() != fault_id_) continue;
    ++of_fault;
    if (!settled(*incident))
      return fmt::format("incident {} did not settle: {} ({})", id, to_string(incident->state()), incident->reason());
    result = check(*incident, *host_, initial_);
  }
  if (of_fault > 1) return fmt::format("{} incidents of one fault", of_fault);
  return result;
}

}  // namespace rdpmend::test
