#include "agent-lib/engine/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>

#include "agent-lib/engine/commands.hpp"
#include "agent-lib/engine/decisions.hpp"
#include "agent-lib/engine/detection.hpp"
#include "agent-lib/engine/inquiries.hpp"
#include "agent-lib/engine/intake.hpp"
#include "agent-lib/engine/jobs.hpp"
#include "agent-lib/engine/lookout.hpp"
#include "agent-lib/engine/own_probes.hpp"
#include "agent-lib/engine/policy.hpp"
#include "agent-lib/engine/repairs.hpp"
#include "agent-lib/record/ledger.hpp"
#include "agent-lib/record/words.hpp"
#include "agent-lib/support/log.hpp"

namespace rdpmend {

namespace {

// Before a write that failed is tried again.
constexpr Duration k_retry_pause = std::chrono::seconds{10};
constexpr Duration k_prune_interval = std::chrono::hours{1};
constexpr std::string_view k_prune = "pruning of the journal";
constexpr std::string_view k_findings = "findings that wait for the journal";
constexpr std::string_view k_repeats = "folded repeats of signals";

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
        snapshots_(ledger_, policy_, parts_.degraded),
        intake_(parts_.catalogue, own_probes_),
        inquiries_(parts_.host.view(), detection_, jobs_),
        repairs_(parts_.host, ledger_, detection_, policy_, jobs_, agenda_),
        commands_(parts_.host.clock, ledger_, repairs_),
        lookout_({parts_.host.view(), parts_.catalogue, detection_, policy_, jobs_, agenda_, ledger_, repairs_,
                  snapshots_, parts_.probe_deadline},
                 [this] { decisions_.consider_all(); }),
        decisions_({parts_.host.clock, parts_.catalogue, policy_, lookout_, agenda_, ledger_, repairs_}) {
    ledger_.set_on_change([this] { snapshots_.publish(); });
    repairs_.set_on_end([this](std::uint64_t incident_id) { repair_ended(incident_id); });
    repairs_.set_on_probe([this](const v1::ProbeReport& report) { snapshots_.note_probe(report); });
    commands_.set_on_told([this](const v1::OutsideProbe& probe) { snapshots_.note_outside_probe(probe); });
  }

  // --- life ---

  Status start() {
    snapshots_.note_start(parts_.host.clock.now());
    if (auto replayed = ledger_.replay(); !replayed) return replayed;
    auto bookmarks = parts_.journal.bookmarks();
    if (!bookmarks) return fail(std::move(bookmarks).error().context("cannot read the bookmarks"));
    bookmarks_ = std::move(*bookmarks);
    auto recorded = ledger_.record(0, [&](v1::JournalEntry& entry) {
      auto& body = *entry.mutable_service_started();
      body.set_version(parts_.version);
      body.set_host_name(parts_.host.identity.name);
      body.set_host_kind(parts_.host.identity.kind);
      for (const auto& text : snapshots_.newest()->degraded) body.add_degraded(text);
    });
    if (!recorded) return recorded;
    prune_later();
    lookout_.sweep(v1::Signal::KIND_STARTUP);
    asio::post(engine_, [this] { decisions_.consider_all(); });
    return {};
  }

  void stop(std::string reason, std::function<void()> done) {
    inquiries_.stop();
    commands_.stop();
    lookout_.stop();
    decisions_.stop();
    repairs_.request_stop();
    agenda_.close();
    // What the worker does now ends first, and what a repair has half done is undone.
    jobs_.when_idle([this, reason = std::move(reason), done = std::move(done)] { stopped(reason, done); });
  }

  // --- events ---

  void take(const std::string& channel, const EventBatch& batch, std::function<void()> taken) {
    const auto signals = intake_.take(channel, batch, now());
    snapshots_.note_own_probe_events(intake_.left_out());
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

  void host_changed() { lookout_.host_changed(); }

  const std::map<std::string, std::string>& bookmarks() const { return bookmarks_; }

  // --- administrators ---

  std::shared_ptr<const EngineSnapshot> snapshot() const { return snapshots_.newest(); }

  void diagnose(const std::vector<std::string>& fault_ids, const Callback<v1::DiagnoseResponse>& done,
                const Inquiries::Wanted& wanted) {
    for (const auto& id : fault_ids) {
      if (parts_.catalogue.find_fault(id) == nullptr) return done(unknown_fault(id));
    }
    inquiries_.diagnose({fault_ids.begin(), fault_ids.end()}, parts_.probe_deadline, wanted,
                        [this, done](const Result<v1::DiagnoseResponse>& response) {
                          if (response && response->has_own_address_probe())
                            snapshots_.note_probe(response->own_address_probe());
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

  Commands& commands() { return commands_; }

  v1::FaultMode mode_of(const std::string& fault_id) const {
    const auto* fault = parts_.catalogue.find_fault(fault_id);
    return fault == nullptr ? v1::FAULT_MODE_UNSPECIFIED : policy_.mode(*fault);
  }

  Agenda& agenda() { return agenda_; }
  Ledger& ledger() { return ledger_; }

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
    for (const auto& signal : write.signals) lookout_.look(signal);
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

  // Posted: a repair that ends is still on the way out.
  void repair_ended(std::uint64_t incident_id) {
    asio::post(engine_, [this, incident_id] {
      const auto incident = ledger_.incident(incident_id);
      if (incident && is_closed(incident->state())) lookout_.incident_closed(*incident);
      decisions_.consider_all();
    });
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

  const OwnProbes own_probes_;
  EngineParts parts_;
  Jobs jobs_;
  asio::any_io_executor engine_;
  Agenda agenda_;
  Ledger ledger_;
  Policy policy_;
  Detection detection_;
  Snapshots snapshots_;
  Intake intake_;
  Inquiries inquiries_;
  Repairs repairs_;
  Commands commands_;
  Lookout lookout_;
  Decisions decisions_;

  std::map<std::string, std::string> bookmarks_;
  std::deque<IntakeWrite> waiting_writes_;  // At most one per channel: each holds its credit.
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
void Engine::act(v1::ActRequest request, Client client, Callback<v1::Incident> done) {
  asio::post(executor_, [this, request = std::move(request), client = std::move(client), done = std::move(done)] {
    done(impl_->commands().act(request, client));
  });
}
void Engine::report_probe(v1::ReportProbeRequest request, Client client, Callback<v1::OutsideProbe> done) {
  asio::post(executor_, [this, request = std::move(request), client = std::move(client), done = std::move(done)] {
    done(impl_->commands().report_probe(request, client));
  });
}
v1::FaultMode Engine::mode_of(const std::string& fault_id) const {
  return impl_->mode_of(fault_id);
}
Agenda& Engine::agenda() {
  return impl_->agenda();
}
Ledger& Engine::ledger() {
  return impl_->ledger();
}
void Engine::stop(std::string reason, std::function<void()> done) {
  asio::post(executor_, [this, reason = std::move(reason), done = std::move(done)] { impl_->stop(reason, done); });
}

}  // namespace rdpmend
