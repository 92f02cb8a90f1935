#include "agent-lib/engine/lookout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent-lib/engine/baseline.hpp"
#include "agent-lib/engine/seen_once.hpp"
#include "agent-lib/record/fold.hpp"
#include "agent-lib/record/words.hpp"
#include "agent-lib/support/log.hpp"

namespace rdpmend {

namespace {

// After a change of the host's settings: whoever makes it may not be done, and some programs write all the time.
constexpr Duration k_settling = std::chrono::seconds{5};
constexpr Duration k_between_change_sweeps = std::chrono::minutes{1};
constexpr Duration k_default_probation = std::chrono::minutes{5};

constexpr std::string_view k_sweep = "sweep";
constexpr std::string_view k_sweep_after_a_change = "sweep after a change";

v1::Signal signal_of(v1::Signal::Kind kind) {
  v1::Signal signal;
  signal.set_kind(kind);
  return signal;
}

}  // namespace

// --- when ---

void Lookout::look(const v1::Signal& signal) {
  if (signal.kind() == v1::Signal::KIND_EVENT && signal.fault_ids().empty()) return;  // Points to nothing.
  wanted_.add(signal);
  if (!looking_) begin();
}

void Lookout::sweep(v1::Signal::Kind why) {
  last_sweep_began_ = now();
  parts_.agenda.at(k_sweep, last_sweep_began_ + parts_.policy.sweep_interval(),
                   [this] { sweep(v1::Signal::KIND_SCHEDULE); });
  parts_.agenda.cancel(k_sweep_after_a_change);
  sweeping_ = true;
  look(signal_of(why));
}

void Lookout::host_changed() {
  if (parts_.agenda.due(k_sweep_after_a_change)) return;
  parts_.agenda.at(k_sweep_after_a_change, std::max(now() + k_settling, last_sweep_began_ + k_between_change_sweeps),
                   [this] { sweep(v1::Signal::KIND_CHANGE); });
}

void Lookout::incident_closed(const v1::Incident& incident) {
  const auto& fault_id = incident.diagnosis().fault_id();
  look_behind(fault_id);
  if (incident.state() != v1::INCIDENT_STATE_REPAIRED) return;
  const auto* fault = parts_.catalogue.find_fault(fault_id);
  if (fault == nullptr) return;
  const auto probation = fault->has_probation() ? from_proto(fault->probation()) : k_default_probation;
  parts_.agenda.at(fmt::format("end of the probation of incident {}", incident.id()), now() + probation,
                   [this] { sweep(v1::Signal::KIND_SCHEDULE); });
}

// What a fault has hidden is looked at as soon as the fault is gone.
void Lookout::look_behind(const std::string& fault_id) {
  auto signal = signal_of(v1::Signal::KIND_CHANGE);
  for (const auto& fault : parts_.catalogue.faults()) {
    const auto& masks = fault.masked_by();
    if (std::find(masks.begin(), masks.end(), fault_id) != masks.end()) signal.add_fault_ids(fault.id());
  }
  if (!signal.fault_ids().empty()) look(signal);
}

// --- looking ---

void Lookout::begin() {
  if (stopping_ || wanted_.nothing()) return;
  looking_ = true;
  const auto reasons = std::exchange(wanted_, {});
  const bool sweeping = std::exchange(sweeping_, false);
  parts_.jobs.run<Seen>(
      "look at the host", [this, reasons, sweeping] { return Result<Seen>(look_at_host(reasons, sweeping)); },
      [this, reasons, sweeping](const Result<Seen>& result) {
        looking_ = false;
        if (result) {
          seen(*result, reasons, sweeping);
        } else {
          note_error("look at the host", to_string(result.error()));
        }
        begin();
      });
}

Lookout::Seen Lookout::look_at_host(const Reasons& reasons, bool sweeping) const {
  const SeenOnce host(parts_.host);
  Seen seen{parts_.detection.run(host.view(), reasons), {}, {}, {}};
  if (!sweeping) return seen;
  if (parts_.snapshots.newest()->loans.empty()) {  // What is lent is not how the host is.
    const auto baseline = guarded([&] {
      return remote_desktop_allowed(host.view().registry) ? std::optional(read_baseline(host.view())) : std::nullopt;
    });
    if (baseline) seen.baseline = *baseline;
  }
  if (auto made = host.view().listener.probe(ProbeFrom::own_address, parts_.probe_deadline))
    seen.probe = std::move(*made);
  seen.health = parts_.checkup.run(host.view(), seen.findings);
  return seen;
}

const std::string* Lookout::mask_of(const std::string& fault_id) const {
  const auto found = masked_.find(fault_id);
  return found == masked_.end() ? nullptr : &found->second;
}

// --- what was seen ---

void Lookout::seen(const Seen& seen, const Reasons& reasons, bool sweeping) {
  if (seen.probe) parts_.snapshots.note_probe(*seen.probe);
  if (seen.health) parts_.snapshots.note_health(*seen.health, now());
  if (sweeping) parts_.snapshots.note_sweep(parts_.host.clock.now());
  std::map<std::string, std::set<std::string>> subjects;  // That each fault which could be looked at is present on.
  for (const auto& finding : seen.findings) {
    masked_.erase(finding.fault_id());
    switch (finding.outcome()) {
      case Finding::OUTCOME_MASKED: masked_[finding.fault_id()] = finding.detail(); break;
      case Finding::OUTCOME_PRESENT:
        present(finding.diagnosis(), reasons.newest(finding.fault_id()));
        subjects[finding.fault_id()].insert(finding.diagnosis().subject());
        break;
      case Finding::OUTCOME_ABSENT: subjects[finding.fault_id()]; break;
      case Finding::OUTCOME_UNKNOWN: unknown(finding); break;
      default: break;
    }
  }
  for (const auto& [fault_id, present_on] : subjects) gone_elsewhere(fault_id, present_on);
  if (seen.baseline && healthy(seen.findings)) {
    const auto recorded = record_baseline(parts_.ledger, *seen.baseline, parts_.host.clock.now());
    if (!recorded) log::error("how the healthy host is cannot be recorded: {}", to_string(recorded.error()));
  }
  looked_();
}

// What is reported only has nothing to do with what a repair would put back.
bool Lookout::healthy(const std::vector<Finding>& findings) const {
  return std::all_of(findings.begin(), findings.end(), [&](const Finding& finding) {
    return finding.outcome() == Finding::OUTCOME_ABSENT || !parts_.detection.is_repairable(finding.fault_id());
  });
}

void Lookout::present(v1::Diagnosis diagnosis, const v1::Signal& signal) {
  const auto [open, dismissed] = parts_.ledger.read([&](const IncidentBook& book) {
    return std::pair{book.find_open(diagnosis.fault_id(), diagnosis.subject()),
                     book.find_dismissed(diagnosis.fault_id(), diagnosis.subject())};
  });
  unknown_.erase(diagnosis.fault_id());
  Status recorded;
  if (open == nullptr) {
    if (dismissed != nullptr) return;
    if (auto opened = parts_.ledger.open_incident(diagnosis, signal); !opened) recorded = fail(opened.error());
  } else if (!same_diagnosis(open->diagnosis(), diagnosis) && !parts_.repairs.under_way(open->id())) {
    recorded = parts_.ledger.record(open->id(), [&](v1::JournalEntry& entry) {
      *entry.mutable_incident_updated()->mutable_diagnosis() = diagnosis;
    });
  }
  if (!recorded) log::error("a diagnosis cannot be recorded: {}", to_string(recorded.error()));
}

// From all subjects but these the fault is gone without our doing: the incidents there are over, unless a repair is
// about to prove it itself. One that has written something and waits to go on is over only if it would be called
// repaired.
void Lookout::gone_elsewhere(const std::string& fault_id, const std::set<std::string>& present_on) {
  unknown_.erase(fault_id);
  const auto gone = parts_.ledger.read([&](const IncidentBook& book) {
    std::vector<std::shared_ptr<const v1::Incident>> result;
    for (const auto& [id, incident] : book.incidents()) {
      const bool waits = !is_closed(incident->state()) || incident->state() == v1::INCIDENT_STATE_DISMISSED;
      const auto& diagnosis = incident->diagnosis();
      if (waits && diagnosis.fault_id() == fault_id && !present_on.contains(diagnosis.subject()))
        result.push_back(incident);
    }
    return result;
  });
  for (const auto& incident : gone) {
    if (parts_.repairs.under_way(incident->id()) || incident->state() == v1::INCIDENT_STATE_REPAIRING) continue;
    if (incident->state() == v1::INCIDENT_STATE_AWAITING_APPROVAL && has_written(incident->repair())) {
      parts_.repairs.recheck(incident->id());
      continue;
    }
    const auto recorded =
        parts_.ledger.set_state(incident->id(), v1::INCIDENT_STATE_CLEARED, "the fault is no longer present");
    // While the journal cannot be written the incident stays open, and each look sees its fault gone: none must ask for
    // the next.
    if (recorded && present_on.empty()) look_behind(fault_id);
  }
}

// Once per fault and reason: a host that cannot be read is news only the first time.
void Lookout::unknown(const Finding& finding) {
  auto& last = unknown_[finding.fault_id()];
  if (last == finding.detail()) return;
  last = finding.detail();
  const auto recorded = parts_.ledger.record(0, [&](v1::JournalEntry& entry) {
    entry.set_fault_id(finding.fault_id());
    entry.mutable_look_failed()->set_reason(finding.detail());
  });
  if (!recorded) log::error("{} could not be looked at: {}", finding.fault_id(), finding.detail());
}

void Lookout::note_error(const std::string& where, const std::string& what) {
  const auto recorded = parts_.ledger.record(0, [&](v1::JournalEntry& entry) {
    entry.mutable_internal_error()->set_where(where);
    entry.mutable_internal_error()->set_what(what);
  });
  if (!recorded) log::error("{}: {}", where, what);
}

}  // namespace rdpmend
