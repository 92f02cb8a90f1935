#include "agent-lib/engine/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "agent-lib/engine/detection.hpp"
#include "agent-lib/engine/inquiries.hpp"
#include "agent-lib/engine/intake.hpp"
#include "agent-lib/engine/jobs.hpp"
#include "agent-lib/engine/own_probes.hpp"
#include "agent-lib/engine/policy.hpp"
#include "agent-lib/engine/repairs.hpp"
#include "agent-lib/record/ledger.hpp"
#include "agent-lib/support/bounded.hpp"
#include "agent-lib/support/log.hpp"

namespace rdpmend {

namespace {

// Before an incident or a write that failed is tried again.
constexpr Duration k_retry_pause = std::chrono::seconds{10};
constexpr Duration k_prune_interval = std::chrono::hours{1};
// After a change of the host's settings: whoever makes it may not be done, and some programs write all the time.
constexpr Duration k_settling = std::chrono::seconds{5};
constexpr Duration k_between_change_sweeps = std::chrono::minutes{1};

// What is on the agenda; and the verifications of the repairs.
constexpr std::string_view k_sweep = "sweep";
constexpr std::string_view k_sweep_after_a_change = "sweep after a change";
constexpr std::string_view k_prune = "pruning of the journal";
constexpr std::string_view k_decisions = "decisions about incidents";
constexpr std::string_view k_findings = "findings that wait for the journal";
constexpr std::string_view k_repeats = "folded repeats of signals";

Error not_running() {
  return {ErrorCode::unavailable, "the service is stopping", "Try again when it runs.", {}};
}

v1::Signal signal_of(v1::Signal::Kind kind, std::string requested_by = {}) {
  v1::Signal signal;
  signal.set_kind(kind);
  signal.set_requested_by(std::move(requested_by));
  return signal;
}

// Diagnoses differ if people would say so; the moment of looking does not count.
bool same_diagnosis(v1::Diagnosis a, v1::Diagnosis b) {
  a.clear_found_at();
  b.clear_found_at();
  // A probe's evidence names its time and ports; what counts is the rest.
  return a.summary() == b.summary() && a.repairable() == b.repairable() && a.ask_first() == b.ask_first() &&
         a.advice() == b.advice() && a.evidence_size() == b.evidence_size();
}

bool has_written(const v1::Repair& repair) {
  return std::any_of(repair.steps().begin(), repair.steps().end(), [](const v1::StepRecord& record) {
    return record.phase() == v1::StepRecord::PHASE_DONE || record.phase() == v1::StepRecord::PHASE_INTENDED;
  });
}

}  // namespace

class Engine::Impl {
 public:
  Impl(EngineParts parts, asio::any_io_executor engine, asio::any_io_executor worker)
      : own_probes_(parts.host.listener, parts.host.clock),
        parts_(through(own_probes_, std::move(parts))),
        jobs_(engine, std::move(worker)),
        engine_(std::move(engine)),
        agenda_(parts_.host.clock),
        ledger_(parts_.journal, parts_.host.clock),
        policy_(parts_.policy),
        detection_(parts_.catalogue, parts_.faults),
        intake_(parts_.catalogue, own_probes_),
        inquiries_(parts_.host.view(), detection_, jobs_),
        repairs_(parts_.host, ledger_, detection_, policy_, jobs_, agenda_) {
    keep_first(parts_.degraded, k_max_degraded, k_max_degraded_bytes);
    ledger_.set_on_change([this] { publish(); });
    repairs_.set_on_end([this](std::uint64_t incident_id) { repair_ended(incident_id); });
    repairs_.set_on_probe([this](const v1::ProbeReport& report) { note_probe(report); });
    publish();
  }

  // --- life ---

  Status start() {
    started_ = parts_.host.clock.now();
    if (auto replayed = ledger_.replay(); !replayed) return replayed;
    auto bookmarks = parts_.journal.bookmarks();
    if (!bookmarks) return fail(std::move(bookmarks).error().context("cannot read the bookmarks"));
    bookmarks_ = std::move(*bookmarks);
    auto recorded = ledger_.record(0, [&](v1::JournalEntry& entry) {
      auto& body = *entry.mutable_service_started();
      body.set_version(parts_.version);
      body.set_host_name(parts_.host.identity.name);
      body.set_host_kind(parts_.host.identity.kind);
      for (const auto& text : parts_.degraded) body.add_degraded(text);
    });
    if (!recorded) return recorded;
    prune_later();
    sweep(signal_of(v1::Signal::KIND_STARTUP));
    asio::post(engine_, [this] { consider_all(); });
    return {};
  }

  void stop(std::string reason, std::function<void()> done) {
    stopping_ = true;
    inquiries_.stop();
    repairs_.request_stop();
    agenda_.close();
    // What the worker does now ends first, and what a repair has half done is undone.
    jobs_.when_idle([this, reason = std::move(reason), done = std::move(done)] { stopped(reason, done); });
  }

  // --- events ---

  void take(const std::string& channel, const EventBatch& batch, std::function<void()> taken) {
    const auto signals = intake_.take(channel, batch, now());
    note_left_out(intake_.left_out());
    auto entries = entries_for(signals);
    std::optional<Bookmark> bookmark;
    if (!batch.bookmark.empty()) bookmark = Bookmark{channel, batch.bookmark};
    write_intake({std::move(entries), std::move(bookmark), signals, std::move(taken)});
    flush_later();
  }

  void channel_reopened(const v1::ChannelReopened& what) {
    const auto recorded = ledger_.record(0, [&](v1::JournalEntry& entry) { *entry.mutable_channel_reopened() = what; });
    if (!recorded)
      log::error("that {} was opened anew cannot be recorded: {}", what.channel(), to_string(recorded.error()));
  }

  const std::map<std::string, std::string>& bookmarks() const { return bookmarks_; }

  void host_changed() {
    if (agenda_.due(k_sweep_after_a_change)) return;
    agenda_.at(k_sweep_after_a_change, std::max(now() + k_settling, last_sweep_began_ + k_between_change_sweeps),
               [this] { sweep(signal_of(v1::Signal::KIND_CHANGE)); });
  }

  // --- administrators ---

  std::shared_ptr<const EngineSnapshot> snapshot() const {
    const std::lock_guard lock(snapshot_mutex_);
    return snapshot_;
  }

  void diagnose(const std::vector<std::string>& fault_ids, const Callback<v1::DiagnoseResponse>& done,
                const Inquiries::Wanted& wanted) {
    for (const auto& id : fault_ids) {
      if (parts_.catalogue.find_fault(id) == nullptr) return done(unknown_fault(id));
    }
    inquiries_.diagnose({fault_ids.begin(), fault_ids.end()}, parts_.probe_deadline, wanted,
                        [this, done](const Result<v1::DiagnoseResponse>& response) {
                          if (response && response->has_own_address_probe()) note_probe(response->own_address_probe());
                          done(response);
                        });
  }

  void plan_repair(const std::string& fault_id, const Callback<v1::PlanRepairResponse>& done,
                   const Inquiries::Wanted& wanted) {
    if (parts_.catalogue.find_fault(fault_id) == nullptr) return done(unknown_fault(fault_id));
    inquiries_.plan(fault_id, wanted, done);
  }

  void self_test(const Inquiries::SelfTest& test, const Callback<v1::SelfTestResponse>& done,
                 const Inquiries::Wanted& wanted) {
    inquiries_.self_test(test, wanted, done);
  }

  void act(const AdminCommand& command, const Callback<v1::Incident>& done) {
    const auto incident = ledger_.incident(command.incident_id);
    if (incident == nullptr) {
      return done(fail(ErrorCode::not_found, fmt::format("there is no incident {}", command.incident_id),
                       "'rdpmend incidents --all' lists them."));
    }
    if (ledger_.read([&](const IncidentBook& book) { return book.knows_request(command.request_id); }))
      return done(*incident);
    if (stopping_) return done(fail(not_running()));
    if (auto allowed = check(command, *incident); !allowed) return done(fail(allowed.error()));
    if (auto recorded = record_command(command); !recorded) return done(fail(recorded.error()));
    carry_out(command);
    done(*ledger_.incident(command.incident_id));
  }

  void report_probe(ProbeTold told, const Callback<v1::OutsideProbe>& done) {
    if (told.incident_id != 0 && ledger_.incident(told.incident_id) == nullptr) {
      return done(fail(ErrorCode::not_found, fmt::format("there is no incident {}", told.incident_id),
                       "'rdpmend incidents --all' lists them."));
    }
    if (ledger_.read([&](const IncidentBook& book) { return book.knows_request(told.request_id); })) {
      const bool newest = told.request_id == last_told_.request_id;
      return done(newest ? last_told_.probe : std::move(told.probe));
    }
    if (stopping_) return done(fail(not_running()));
    *told.probe.mutable_received() = to_proto(parts_.host.clock.now());
    if (auto recorded = record_told(told); !recorded) return done(fail(recorded.error()));
    {
      const std::lock_guard lock(snapshot_mutex_);
      last_told_ = std::move(told);
    }
    publish();
    done(last_told_.probe);
  }

  v1::FaultMode mode_of(const std::string& fault_id) const {
    const auto* fault = parts_.catalogue.find_fault(fault_id);
    return fault == nullptr ? v1::FAULT_MODE_UNSPECIFIED : policy_.mode(*fault);
  }

  Agenda& agenda() { return agenda_; }

 private:
  // Findings of a batch that wait for the journal, with the credit of their channel.
  struct IntakeWrite {
    std::vector<v1::JournalEntry> entries;
    std::optional<Bookmark> bookmark;
    std::vector<v1::Signal> signals;
    std::function<void()> taken;
  };

  // Every probe goes by way of `listener`.
  static EngineParts through(const Listener& listener, EngineParts parts) {
    const auto& host = parts.host;
    return {.host = {host.identity, host.clock, host.events, host.registry, host.certificates, host.key_files,
                     host.services, host.firewall, host.sessions, listener},
            .journal = parts.journal,
            .catalogue = parts.catalogue,
            .faults = parts.faults,
            .policy = std::move(parts.policy),
            .probe_deadline = parts.probe_deadline,
            .version = std::move(parts.version),
            .degraded = std::move(parts.degraded)};
  }

  SteadyTime now() const { return parts_.host.clock.steady(); }

  tl::unexpected<Error> unknown_fault(const std::string& id) const {
    std::string names;
    for (const auto& fault : parts_.catalogue.faults()) names += (names.empty() ? "" : ", ") + fault.id();
    return fail(ErrorCode::not_found, fmt::format("there is no fault '{}'", id),
                fmt::format("Known faults: {}.", names));
  }

  // --- intake ---

  std::vector<v1::JournalEntry> entries_for(const std::vector<v1::Signal>& signals) const {
    std::vector<v1::JournalEntry> entries;
    for (const auto& signal : signals) {
      auto& entry = entries.emplace_back();
      if (signal.kind() == v1::Signal::KIND_GAP) {
        entry.mutable_event_gap()->set_channel(signal.channel());
        entry.mutable_event_gap()->set_reason(
            "events were lost: the log wrapped or was cleared, its bookmark is gone, or Windows could not hand one "
            "over");
        continue;
      }
      entry.set_incident_id(incident_of(signal));
      *entry.mutable_signal_raised()->mutable_signal() = signal;
    }
    return entries;
  }

  // The open incident that a signal adds to; 0: none.
  std::uint64_t incident_of(const v1::Signal& signal) const {
    return ledger_.read([&](const IncidentBook& book) -> std::uint64_t {
      for (const auto& incident : book.open()) {
        const auto& ids = signal.fault_ids();
        if (std::find(ids.begin(), ids.end(), incident->diagnosis().fault_id()) != ids.end()) return incident->id();
      }
      return 0;
    });
  }

  // A batch that cannot be written keeps its credit, so its channel waits: the event log is the queue.
  void write_intake(IntakeWrite write) {
    if (!waiting_writes_.empty()) {
      waiting_writes_.push_back(std::move(write));
      return;
    }
    const auto recorded = ledger_.record(write.entries, write.bookmark);
    if (!recorded) {
      log::error("findings wait for the journal: {}", to_string(recorded.error()));
      waiting_writes_.push_back(std::move(write));
      agenda_.at(k_findings, now() + k_retry_pause, [this] { retry_intake(); });
      return;
    }
    for (const auto& signal : write.signals) request_detection(signal);
    if (write.taken) write.taken();
  }

  void retry_intake() {
    auto waiting = std::exchange(waiting_writes_, {});
    for (auto& write : waiting) write_intake(std::move(write));
  }

  void flush_later() {
    const auto due = intake_.next_flush();
    if (!due) return agenda_.cancel(k_repeats);
    agenda_.at(k_repeats, *due, [this] {
      const auto signals = intake_.flush(now());
      if (!signals.empty()) write_intake({entries_for(signals), std::nullopt, signals, nullptr});
      flush_later();
    });
  }

  // --- detection: one at a time, requests that come meanwhile are merged ---

  void request_detection(const v1::Signal& signal) {
    if (signal.kind() == v1::Signal::KIND_EVENT && signal.fault_ids().empty()) return;  // Points to nothing.
    wanted_.add(signal);
    if (!detecting_) detect();
  }

  void sweep(const v1::Signal& signal) {
    last_sweep_began_ = now();
    agenda_.at(k_sweep, last_sweep_began_ + policy_.sweep_interval(),
               [this] { sweep(signal_of(v1::Signal::KIND_SCHEDULE)); });
    agenda_.cancel(k_sweep_after_a_change);
    sweeping_ = true;
    request_detection(signal);
  }

  struct Seen {
    std::vector<Finding> findings;
    std::optional<v1::ProbeReport> probe;  // Of a sweep.
  };

  void detect() {
    if (stopping_ || wanted_.nothing()) return;
    detecting_ = true;
    const auto reasons = std::exchange(wanted_, {});
    const bool sweeping = std::exchange(sweeping_, false);
    jobs_.run<Seen>(
        "look at the host",
        [this, reasons, sweeping] {
          Seen seen{detection_.run(parts_.host.view(), reasons), {}};
          if (sweeping) {
            if (auto made = parts_.host.listener.probe(ProbeFrom::own_address, parts_.probe_deadline))
              seen.probe = std::move(*made);
          }
          return Result<Seen>(std::move(seen));
        },
        [this, reasons, sweeping](const Result<Seen>& seen) {
          detecting_ = false;
          if (seen) {
            if (seen->probe) note_probe(*seen->probe);
            if (sweeping) note_sweep();
            found(seen->findings, reasons);
          } else {
            note_error("look at the host", to_string(seen.error()));
          }
          detect();
        });
  }

  void found(const std::vector<Finding>& findings, const Reasons& reasons) {
    std::map<std::string, std::set<std::string>> subjects;  // That each fault which could be looked at is present on.
    for (const auto& finding : findings) {
      masked_.erase(finding.fault_id());
      switch (finding.outcome()) {
        case Finding::OUTCOME_MASKED: masked_[finding.fault_id()] = finding.detail(); break;
        case Finding::OUTCOME_PRESENT:
          present(finding.diagnosis(), reasons.of(finding.fault_id()));
          subjects[finding.fault_id()].insert(finding.diagnosis().subject());
          break;
        case Finding::OUTCOME_ABSENT: subjects[finding.fault_id()]; break;
        case Finding::OUTCOME_UNKNOWN: note_unknown(finding); break;
        default: break;
      }
    }
    for (const auto& [fault_id, present_on] : subjects) gone_elsewhere(fault_id, present_on);
    consider_all();
  }

  // What was seen before a restart only the journal tells: an open incident of the same finding that needed no asking,
  // or a repair of it, proved within a day.
  bool journal_has_seen_otherwise(const v1::Diagnosis& diagnosis) const {
    const auto since = parts_.host.clock.now() - std::chrono::hours{24};
    return ledger_.read([&](const IncidentBook& book) {
      return std::any_of(book.incidents().begin(), book.incidents().end(), [&](const auto& each) {
        const auto& incident = *each.second;
        const auto& known = incident.diagnosis();
        if (known.fault_id() != diagnosis.fault_id() || known.subject() != diagnosis.subject()) return false;
        if (known.summary() != diagnosis.summary()) return false;
        if (!is_closed(incident.state())) return known.repairable() && !known.ask_first();
        return incident.state() == v1::INCIDENT_STATE_REPAIRED && from_proto(incident.state_since()) >= since;
      });
    });
  }

  void present(v1::Diagnosis diagnosis, const v1::Signal& signal) {
    if (diagnosis.ask_first() && journal_has_seen_otherwise(diagnosis)) diagnosis.set_ask_first(false);
    const auto [open, dismissed] = ledger_.read([&](const IncidentBook& book) {
      return std::pair{book.find_open(diagnosis.fault_id(), diagnosis.subject()),
                       book.find_dismissed(diagnosis.fault_id(), diagnosis.subject())};
    });
    unknown_.erase(diagnosis.fault_id());
    Status recorded;
    if (open == nullptr) {
      if (dismissed != nullptr) return;
      if (auto opened = ledger_.open_incident(diagnosis, signal); !opened) recorded = fail(opened.error());
    } else if (!same_diagnosis(open->diagnosis(), diagnosis) && !repairs_.under_way(open->id())) {
      recorded = ledger_.record(open->id(), [&](v1::JournalEntry& entry) {
        *entry.mutable_incident_updated()->mutable_diagnosis() = diagnosis;
      });
    }
    if (!recorded) log::error("a diagnosis cannot be recorded: {}", to_string(recorded.error()));
  }

  // From all subjects but these the fault is gone without our doing: the incidents there are over, unless a repair is
  // about to prove it itself. One that has written something and waits to go on is over only if it would be called
  // repaired.
  void gone_elsewhere(const std::string& fault_id, const std::set<std::string>& present_on) {
    unknown_.erase(fault_id);
    const auto gone = ledger_.read([&](const IncidentBook& book) {
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
      if (repairs_.under_way(incident->id()) || incident->state() == v1::INCIDENT_STATE_REPAIRING) continue;
      if (incident->state() == v1::INCIDENT_STATE_AWAITING_APPROVAL && has_written(incident->repair())) {
        repairs_.recheck(incident->id());
        continue;
      }
      set_state(*incident, v1::INCIDENT_STATE_CLEARED, "the fault is no longer present");
      // While the journal cannot be written, the incident stays, and each look sees it over: none must ask for the
      // next.
      const auto now = ledger_.incident(incident->id());
      if (present_on.empty() && now && now->state() == v1::INCIDENT_STATE_CLEARED) look_behind(fault_id);
    }
  }

  // What a fault has hidden is looked at as soon as the fault is gone.
  void look_behind(const std::string& fault_id) {
    v1::Signal signal = signal_of(v1::Signal::KIND_CHANGE);
    for (const auto& fault : parts_.catalogue.faults()) {
      const auto& masks = fault.masked_by();
      if (std::find(masks.begin(), masks.end(), fault_id) != masks.end()) signal.add_fault_ids(fault.id());
    }
    if (!signal.fault_ids().empty()) request_detection(signal);
  }

  // Once per fault and reason: a host that cannot be read is news only the first time.
  void note_unknown(const Finding& finding) {
    auto& last = unknown_[finding.fault_id()];
    if (last == finding.detail()) return;
    last = finding.detail();
    note_error("detect " + finding.fault_id(), finding.detail());
  }

  void note_error(const std::string& where, const std::string& what) {
    const auto recorded = ledger_.record(0, [&](v1::JournalEntry& entry) {
      entry.mutable_internal_error()->set_where(where);
      entry.mutable_internal_error()->set_what(what);
    });
    if (!recorded) log::error("{}: {}", where, what);
  }

  // --- incidents ---

  void set_state(const v1::Incident& incident, v1::IncidentState to, const std::string& reason) {
    if (incident.state() == to && incident.reason() == reason) return;
    const auto recorded = ledger_.record(incident.id(), [&](v1::JournalEntry& entry) {
      auto& change = *entry.mutable_incident_state_changed();
      change.set_from(incident.state());
      change.set_to(to);
      change.set_reason(reason);
    });
    if (!recorded) log::error("incident {} cannot be recorded: {}", incident.id(), to_string(recorded.error()));
  }

  void repair_ended(std::uint64_t incident_id) {
    asio::post(engine_, [this, incident_id] {
      const auto incident = ledger_.incident(incident_id);
      if (incident && is_closed(incident->state())) look_behind(incident->diagnosis().fault_id());
      consider_all();
    });
  }

  // Decides about every open incident; what cannot begin now is considered again later.
  void consider_all() {
    agenda_.cancel(k_decisions);
    if (stopping_) return;
    for (const auto& incident : ledger_.read([](const IncidentBook& book) { return book.open(); })) {
      if (!repairs_.under_way(incident->id())) consider(*incident);
    }
  }

  void consider(const v1::Incident& incident) {
    switch (incident.state()) {
      case v1::INCIDENT_STATE_REPAIRING:
        // Interrupted by a crash, or by a journal that could not be written.
        if (may_try(incident.id())) repairs_.resume(incident.id());
        return;
      case v1::INCIDENT_STATE_AWAITING_APPROVAL: consider_waiting(incident); return;
      case v1::INCIDENT_STATE_ESCALATED:
        // Only a report: once the cause that forbids a repair is gone, it is an ordinary incident again.
        if (!incident.diagnosis().repairable() || incident.attempts() > 0 || incident.repair().has_plan()) return;
        break;
      default: break;
    }
    const auto* fault = parts_.catalogue.find_fault(incident.diagnosis().fault_id());
    if (fault == nullptr) {
      return set_state(incident, v1::INCIDENT_STATE_ESCALATED,
                       fmt::format("this version of the service knows no fault {}", incident.diagnosis().fault_id()));
    }
    if (const auto masked = masked_.find(fault->id()); masked != masked_.end()) {
      if (incident.state() == v1::INCIDENT_STATE_OPEN) set_state(incident, v1::INCIDENT_STATE_OPEN, masked->second);
      return;
    }
    const auto wall = parts_.host.clock.now();
    const auto decision = ledger_.read([&](const IncidentBook& book) {
      return policy_.decide(*fault, incident, book, wall, parts_.host.clock.utc_offset());
    });
    switch (decision.what) {
      case Decision::What::begin:
      case Decision::What::propose:
        if (may_try(incident.id())) repairs_.begin(incident.id(), decision.what == Decision::What::propose);
        break;
      case Decision::What::escalate: set_state(incident, v1::INCIDENT_STATE_ESCALATED, decision.reason); break;
      case Decision::What::observe: set_state(incident, v1::INCIDENT_STATE_OPEN, decision.reason); break;
      case Decision::What::wait:
        // What was undone stays visible as such; only an open incident says what it waits for.
        if (incident.state() == v1::INCIDENT_STATE_OPEN) set_state(incident, v1::INCIDENT_STATE_OPEN, decision.reason);
        if (decision.again) consider_at(now() + (*decision.again - wall));
        break;
    }
  }

  // Not at once again what failed a moment ago.
  bool may_try(std::uint64_t incident_id) {
    const auto last = last_try_.find(incident_id);
    if (last != last_try_.end() && now() < last->second + k_retry_pause) {
      consider_at(last->second + k_retry_pause);
      return false;
    }
    std::erase_if(last_try_, [&](const auto& tried) { return now() >= tried.second + k_retry_pause; });
    last_try_[incident_id] = now();
    return true;
  }

  void consider_waiting(const v1::Incident& incident) {
    const auto since = from_proto(incident.state_since());
    const auto left = since + policy_.approval_timeout() - parts_.host.clock.now();
    if (left > Duration::zero()) return consider_at(now() + left);
    const auto reason = fmt::format("nobody approved within {}", to_human(policy_.approval_timeout()));
    if (!has_written(incident.repair())) return set_state(incident, v1::INCIDENT_STATE_ESCALATED, reason);
    if (may_try(incident.id())) repairs_.roll_back(incident.id(), reason);
  }

  void consider_at(SteadyTime time) {
    agenda_.not_later_than(k_decisions, std::max(time, now() + std::chrono::milliseconds{10}),
                           [this] { consider_all(); });
  }

  // --- commands ---

  Status check(const AdminCommand& command, const v1::Incident& incident) const {
    using Verb = AdminCommand::Verb;
    const auto state = to_string(incident.state());
    if (repairs_.under_way(incident.id())) {
      return fail(ErrorCode::conflict, fmt::format("incident {} is being repaired", incident.id()),
                  "Wait until it is done: 'rdpmend watch' shows how far it is.");
    }
    switch (command.verb) {
      case Verb::repair: return check_repair(incident);
      case Verb::approve:
        if (incident.state() != v1::INCIDENT_STATE_AWAITING_APPROVAL) {
          return fail(ErrorCode::conflict,
                      fmt::format("incident {} is {}: nothing waits for approval", incident.id(), state));
        }
        if (!command.plan_id.empty() && command.plan_id != incident.repair().plan().id()) {
          return fail(ErrorCode::conflict,
                      fmt::format("the plan is {} by now, not {}", incident.repair().plan().id(), command.plan_id),
                      fmt::format("Read it with 'rdpmend show {}' and approve that.", incident.id()));
        }
        return {};
      case Verb::rollback:
        if (!has_written(incident.repair())) {
          return fail(ErrorCode::conflict,
                      fmt::format("incident {} is {}: there is nothing to undo", incident.id(), state));
        }
        return check_no_other_open(incident);
      case Verb::dismiss:
        if (is_closed(incident.state())) {
          return fail(ErrorCode::conflict, fmt::format("incident {} is closed already: {}", incident.id(), state));
        }
        if (!incident.repair().has_ended() && has_written(incident.repair())) {
          return fail(
              ErrorCode::conflict,
              fmt::format("the repair of incident {} is not over: some of its steps are applied", incident.id()),
              "Approve the next rung, or roll back first.");
        }
        return {};
    }
    return {};
  }

  static Status check_repair(const v1::Incident& incident) {
    if (is_closed(incident.state())) {
      return fail(ErrorCode::conflict,
                  fmt::format("incident {} is closed: {}", incident.id(), to_string(incident.state())));
    }
    if (incident.state() == v1::INCIDENT_STATE_AWAITING_APPROVAL) {
      return fail(ErrorCode::conflict, fmt::format("incident {} waits for approval", incident.id()),
                  fmt::format("Read the plan with 'rdpmend show {0}', then 'rdpmend approve {0}'.", incident.id()));
    }
    if (!incident.diagnosis().repairable()) {
      return fail(ErrorCode::conflict,
                  fmt::format("{} cannot be repaired by the service here", incident.diagnosis().fault_id()),
                  incident.diagnosis().advice());
    }
    return {};
  }

  Status check_no_other_open(const v1::Incident& incident) const {
    const auto& diagnosis = incident.diagnosis();
    const auto open = ledger_.read(
        [&](const IncidentBook& book) { return book.find_open(diagnosis.fault_id(), diagnosis.subject()); });
    if (open == nullptr || open->id() == incident.id()) return {};
    return fail(ErrorCode::conflict, fmt::format("a newer incident {} about the same is open", open->id()),
                "Roll back or dismiss that one first.");
  }

  Status record_command(const AdminCommand& command) {
    return ledger_.record(command.incident_id, [&](v1::JournalEntry& entry) {
      constexpr std::string_view k_names[] = {"Repair", "Approve", "Rollback", "Dismiss"};
      auto& action = *entry.mutable_admin_action();
      action.set_client(command.client);
      action.set_method(std::string(k_names[static_cast<std::size_t>(command.verb)]));
      action.set_request_id(command.request_id);
      action.set_comment(command.comment);
    });
  }

  // The action holds the request's id, so that a replay of the journal knows it.
  Status record_told(const ProbeTold& told) {
    std::vector<v1::JournalEntry> entries(2);
    auto& action = *entries[0].mutable_admin_action();
    action.set_client(told.probe.client());
    action.set_method("ReportProbe");
    action.set_request_id(told.request_id);
    *entries[1].mutable_outside_probe() = told.probe;
    for (auto& entry : entries) entry.set_incident_id(told.incident_id);
    return ledger_.record(std::move(entries));
  }

  void carry_out(const AdminCommand& command) {
    using Verb = AdminCommand::Verb;
    const auto incident = ledger_.incident(command.incident_id);
    switch (command.verb) {
      case Verb::repair: repairs_.begin(command.incident_id, false); break;
      case Verb::approve: repairs_.approve(command.incident_id, command.client); break;
      case Verb::rollback: repairs_.roll_back(command.incident_id, "rolled back by " + command.client); break;
      case Verb::dismiss: set_state(*incident, v1::INCIDENT_STATE_DISMISSED, "dismissed by " + command.client); break;
    }
  }

  // --- the rest ---

  void prune_later() {
    agenda_.at(k_prune, now() + k_prune_interval, [this] { prune(); });
  }

  void prune() {
    prune_later();
    if (auto pruned = ledger_.prune_if_due(); !pruned)
      log::error("the journal cannot be pruned: {}", to_string(pruned.error()));
  }

  void stopped(const std::string& reason, const std::function<void()>& done) {
    const auto recorded =
        ledger_.record(0, [&](v1::JournalEntry& entry) { entry.mutable_service_stopped()->set_reason(reason); });
    if (!recorded) log::error("the stop cannot be recorded: {}", to_string(recorded.error()));
    done();
  }

  void note_probe(const v1::ProbeReport& report) {
    {
      const std::lock_guard lock(snapshot_mutex_);
      last_probe_ = report;
    }
    publish();
  }

  void note_left_out(std::uint64_t events) {
    {
      const std::lock_guard lock(snapshot_mutex_);
      if (std::exchange(left_out_, events) == events) return;
    }
    publish();
  }

  void note_sweep() {
    {
      const std::lock_guard lock(snapshot_mutex_);
      last_sweep_ = parts_.host.clock.now();
    }
    publish();
  }

  void publish() {
    auto next = std::make_shared<EngineSnapshot>();
    ledger_.read([&](const IncidentBook& book) {
      next->incidents = book.incidents();
      next->breaker_open = policy_.breaker_open(book);
    });
    next->started = started_;
    next->degraded = parts_.degraded;
    const std::lock_guard lock(snapshot_mutex_);
    next->last_sweep = last_sweep_;
    next->last_probe = last_probe_;
    next->own_probe_events = left_out_;
    if (!last_told_.request_id.empty()) next->last_outside_probe = last_told_.probe;
    snapshot_ = std::move(next);
  }

  const OwnProbes own_probes_;
  EngineParts parts_;
  Jobs jobs_;
  asio::any_io_executor engine_;
  Agenda agenda_;
  Ledger ledger_;
  Policy policy_;
  Detection detection_;
  Intake intake_;
  Inquiries inquiries_;
  Repairs repairs_;

  std::map<std::string, std::string> bookmarks_;
  WallTime started_{};
  bool stopping_ = false;

  std::deque<IntakeWrite> waiting_writes_;  // At most one per channel: each holds its credit.
  Reasons wanted_;                          // To look, once the look that goes on is over.
  bool detecting_ = false;
  bool sweeping_ = false;
  std::map<std::string, std::string> unknown_;  // Why a fault could not be looked at, when last told.
  std::map<std::string, std::string> masked_;   // By fault: which other one is the real incident, in words.
  std::map<std::uint64_t, SteadyTime> last_try_;

  SteadyTime last_sweep_began_{};

  mutable std::mutex snapshot_mutex_;
  std::shared_ptr<const EngineSnapshot> snapshot_;
  std::optional<WallTime> last_sweep_;
  std::optional<v1::ProbeReport> last_probe_;
  std::uint64_t left_out_ = 0;
  ProbeTold last_told_;  // No request id: none yet.
};

Engine::Engine(EngineParts parts, asio::any_io_executor engine, asio::any_io_executor worker)
    : impl_(std::make_unique<Impl>(std::move(parts), engine, std::move(worker))), executor_(std::move(engine)) {}
Engine::~Engine() = default;

Status Engine::start() {
  return impl_->start();
}
void Engine::take(std::string channel, EventBatch batch, std::function<void()> taken) {
  asio::post(executor_, [this, channel = std::move(channel), batch = std::move(batch),
                         taken = std::move(taken)]() mutable { impl_->take(channel, batch, std::move(taken)); });
}
void Engine::channel_reopened(v1::ChannelReopened what) {
  asio::post(executor_, [this, what = std::move(what)] { impl_->channel_reopened(what); });
}
void Engine::host_changed() {
  asio::post(executor_, [this] { impl_->host_changed(); });
}
std::map<std::string, std::string> Engine::bookmarks() const {
  return impl_->bookmarks();
}
std::shared_ptr<const EngineSnapshot> Engine::snapshot() const {
  return impl_->snapshot();
}
void Engine::diagnose(std::vector<std::string> fault_ids, Callback<v1::DiagnoseResponse> done,
                      std::function<bool()> wanted) {
  asio::post(executor_, [this, fault_ids = std::move(fault_ids), done = std::move(done), wanted = std::move(wanted)] {
    impl_->diagnose(fault_ids, done, wanted);
  });
}
void Engine::plan_repair(std::string fault_id, Callback<v1::PlanRepairResponse> done, std::function<bool()> wanted) {
  asio::post(executor_, [this, fault_id = std::move(fault_id), done = std::move(done), wanted = std::move(wanted)] {
    impl_->plan_repair(fault_id, done, wanted);
  });
}
void Engine::self_test(std::function<v1::SelfTestResponse(const HostView&)> test, Callback<v1::SelfTestResponse> done,
                       std::function<bool()> wanted) {
  asio::post(executor_, [this, test = std::move(test), done = std::move(done), wanted = std::move(wanted)] {
    impl_->self_test(test, done, wanted);
  });
}
void Engine::act(AdminCommand command, Callback<v1::Incident> done) {
  asio::post(executor_, [this, command = std::move(command), done = std::move(done)] { impl_->act(command, done); });
}
void Engine::report_probe(ProbeTold told, Callback<v1::OutsideProbe> done) {
  asio::post(executor_, [this, told = std::move(told), done = std::move(done)]() mutable {
    impl_->report_probe(std::move(told), done);
  });
}
v1::FaultMode Engine::mode_of(const std::string& fault_id) const {
  return impl_->mode_of(fault_id);
}
Agenda& Engine::agenda() {
  return impl_->agenda();
}
void Engine::stop(std::string reason, std::function<void()> done) {
  asio::post(executor_, [this, reason = std::move(reason), done = std::move(done)] { impl_->stop(reason, done); });
}

}  // namespace rdpmend
