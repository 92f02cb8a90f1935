#include "tests/world/world.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <random>
#include <span>
#include <stdexcept>

#include "agent-lib/record/fold.hpp"
#include "agent-lib/record/words.hpp"

namespace rdpmend::world {

namespace {

using namespace std::chrono_literals;

constexpr Duration k_approval_timeout = 6h;
constexpr Duration k_settling = 31h;    // Longer than an approval waits, and than a day of attempts.
constexpr Duration k_stillness = 6h;    // For which the rates are measured afterwards.
constexpr Duration k_reopening = 1min;  // The event reader finds a silent subscription within this time.

// On a host on which nothing happens. Where a fault stays, each sweep's own handshakes make the host log what no event
// tells from a client's (own_probes.hpp), and SessionEnv try again.
constexpr std::uint64_t k_most_entries_an_hour = 1;
constexpr std::uint64_t k_most_entries_an_hour_of_a_fault = 20;
// Each write to the journal reaches the disk before the next. Of what our own handshakes made a channel log, the
// bookmark is written.
constexpr std::uint64_t k_most_bookmarks_an_hour = 30;
constexpr std::uint64_t k_most_probe_events_an_hour = 150;  // Four sweeps, each with a few handshakes of three events.
// While the world does its worst, on the average of an hour and a deed: a busy loop makes thousands.
constexpr std::uint64_t k_most_entries_a_deed = 250;

constexpr std::size_t k_most_of_an_entry = 400;  // Characters that are shown of it.

constexpr std::string_view k_rdp_core = "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational";

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  return std::mt19937_64(a * 0x9E3779B97F4A7C15ULL + b)();
}

template <class Range>
const auto& pick(const Range& range, std::uint64_t choice) {
  return *std::next(range.begin(), static_cast<std::ptrdiff_t>(choice % range.size()));
}

v1::SimChange changed(const std::string& text) {
  v1::SimChange change;
  if (!google::protobuf::TextFormat::ParseFromString(text, &change)) throw std::logic_error("not a change: " + text);
  return change;
}

// Mostly one that makes sense; sometimes any.
v1::ActRequest::VerbCase verb_for(const v1::Incident& incident, std::uint64_t choice) {
  using Verb = v1::ActRequest;
  constexpr Verb::VerbCase k_any[] = {Verb::kApprove, Verb::kRepair, Verb::kRollback, Verb::kDismiss};
  if (choice % 4 == 0) return pick(std::span(k_any), choice >> 2);
  switch (incident.state()) {
    case v1::INCIDENT_STATE_AWAITING_APPROVAL: return choice % 8 < 6 ? Verb::kApprove : Verb::kRollback;
    case v1::INCIDENT_STATE_REPAIRED: return Verb::kRollback;
    case v1::INCIDENT_STATE_ESCALATED: return choice % 8 < 5 ? Verb::kRepair : Verb::kDismiss;
    default: return Verb::kRepair;
  }
}

}  // namespace

void Figures::add(const Figures& other) {
  time += other.time;
  deeds += other.deeds;
  faults += other.faults;
  commands += other.commands;
  refused += other.refused;
  wrong_calls += other.wrong_calls;
  crashes += other.crashes;
  restarts += other.restarts;
  incidents += other.incidents;
  repairs += other.repairs;
  repaired += other.repaired;
  undone += other.undone;
  blocked += other.blocked;
  entries += other.entries;
}

std::string to_string(const Figures& figures) {
  return fmt::format(
      "{:.1f} host-days, {} deeds: {} faults, {} commands ({} refused), {} calls that went wrong, {} crashes, {} "
      "restarts; "
      "{} incidents, {} repairs: {} repaired, {} undone, {} blocked; {} entries",
      std::chrono::duration<double, std::ratio<86'400>>(figures.time).count(), figures.deeds, figures.faults,
      figures.commands, figures.refused, figures.wrong_calls, figures.crashes, figures.restarts, figures.incidents,
      figures.repairs, figures.repaired, figures.undone, figures.blocked, figures.entries);
}

v1::Scenario World::scenario(std::uint64_t seed) {
  v1::Scenario scenario;
  scenario.set_name("world");
  scenario.set_sessions(seed % 4);
  scenario.set_termservice_caches_certificate(seed % 3 == 0);
  scenario.set_failed_creation_takes_key(seed % 5 == 0);
  return scenario;
}

v1::PolicyConfig World::policy(std::uint64_t seed) {
  v1::PolicyConfig policy;
  const auto catalogue = Catalogue::built_in();
  std::uint64_t number = 0;
  for (const auto& fault : catalogue.faults()) {
    const auto choice = mixed(seed, ++number) % 10;
    if (choice > 2) continue;  // Mostly as shipped.
    auto& own = *policy.add_faults();
    own.set_fault_id(fault.id());
    own.set_mode(choice == 0 ? v1::FAULT_MODE_OBSERVE : choice == 1 ? v1::FAULT_MODE_PROPOSE : v1::FAULT_MODE_AUTO);
    own.set_approve_session_drops(choice == 2);
  }
  policy.mutable_approval_timeout()->set_seconds(k_approval_timeout / 1s);
  if (seed % 7 == 0) {
    auto& window = *policy.add_repair_windows();
    window.set_begin("22:00");
    window.set_end("04:00");
  }
  return policy;
}

World::World(std::uint64_t seed, std::vector<Deed> deeds)
    : seed_(seed), deeds_(std::move(deeds)), policy_(policy(seed)), host_(scenario(seed), {.seed = seed}) {}

// --- the service's life ---

void World::start() {
  while (!service_) {
    try {
      service_ =
          std::make_unique<test::RehearsedEngine>(host_, witness_, policy_, make_faults(), mixed(seed_, ++starts_));
      service_->set_pass_time([this](Duration time) {
        witness_.look();
        host_.advance(time);
        witness_.rest();
      });
    } catch (const sim::Crash&) {
      ++figures_.crashes;
    } catch (const std::runtime_error&) {  // The journal cannot be written: the service does not start.
      witness_.memory().fail_appends(std::nullopt);
    }
  }
}

void World::end(bool crashed) {
  ++(crashed ? figures_.crashes : figures_.restarts);
  service_.reset();
  witness_.look();
}

template <class Doing>
void World::outlive(Doing doing) {
  start();
  try {
    doing();
  } catch (const sim::Crash&) {
    end(true);
    start();
  }
}

void World::let_pass(Duration time) {
  const auto now = [&] { return host_.control().clock.steady(); };
  const auto end = now() + time;
  while (now() < end) {
    const auto is_wrong = [&] { return !witness_.complaints().empty(); };
    outlive([&] { service_->run_until(is_wrong, end - now()); });
    if (is_wrong()) return;  // At once: the newest entries are about it.
  }
}

// --- deeds ---

void World::change(const v1::SimChange& change) {
  witness_.look();
  host_.change(change);
  witness_.rest();
}

void World::break_something(const Deed& deed) {
  ++figures_.faults;
  for (auto change : scenario_of(deed).changes()) {
    change.clear_after();
    this->change(change);
  }
}

void World::mend_something(std::uint64_t choice) {
  static const std::vector<std::string> k_mends = {
      R"(clock { offset {} })",
      R"(certificate { expires_in { seconds: 10368000 } })",
      R"(services { name: "SessionEnv" start_type: SERVICE_START_TYPE_MANUAL running: true })",
      R"(services { name: "TermService" start_type: SERVICE_START_TYPE_MANUAL running: true })",
      R"(services { name: "MpsSvc" start_type: SERVICE_START_TYPE_AUTO running: true })",
      R"(firewall { rules { rule_id: "RemoteDesktop-UserMode-In-TCP" profiles: 7 }
                    rules { rule_id: "RemoteDesktop-UserMode-In-UDP" profiles: 7 } })",
      R"(firewall { interfaces { name: "Ethernet" profile: 1 addresses: "192.0.2.10" carries_clients: true } })"};
  change(changed(pick(k_mends, choice)));
}

void World::edit_something(std::uint64_t choice) {
  static const std::vector<std::string> k_edits = {
      R"(registry { key: "HKLM\\SOFTWARE\\Vendor" name: "Setting" text: "changed" })",
      R"(firewall { rules { rule_id: "RemoteDesktop-UserMode-In-TCP" enabled: true profiles: 3 } })",
      R"(firewall { rules { rule_id: "RemoteDesktop-UserMode-In-UDP" enabled: true profiles: 2 } })",
      R"(services { name: "SessionEnv" start_type: SERVICE_START_TYPE_AUTO })",
      R"(services { name: "UmRdpService" running: false })",
      R"(certificate { key_readers_denied: "S-1-5-20" })",
      R"(certificate { key_readers_removed: "S-1-5-18" })",
      R"(certificate { creation_fails: true })",
      R"(certificate {})"};
  change(changed(pick(k_edits, choice)));
}

void World::command(const Deed& deed) {
  const auto snapshot = service_->engine().snapshot();
  if (snapshot->incidents.empty()) return;
  // Rather one of the newest: those before are mostly closed.
  const auto back = (deed.choice >> 8) % std::min<std::size_t>(snapshot->incidents.size(), 3);
  const auto& [id, incident] = *std::next(snapshot->incidents.rbegin(), static_cast<std::ptrdiff_t>(back));
  ++figures_.commands;
  const auto answer =
      service_->act(test::order(verb_for(*incident, deed.choice), id, fmt::format("deed {}", deed.number)));
  if (!answer) ++figures_.refused;
}

void World::move_clock(std::uint64_t choice) {
  static const std::vector<std::string> k_moves = {
      "clock { offset { seconds: 31536000 } }", "clock { offset { seconds: -7200 } }",
      "clock { offset { seconds: 240 } }",      "clock { offset { seconds: -90000 } }",
      "clock { offset {} no_reference: true }", "clock { offset {} }"};
  change(changed(pick(k_moves, choice)));
}

void World::disturb_event_log(std::uint64_t choice) {
  change(changed(choice % 2 == 0 ? "event_log { restarts: true }" : R"(event_log { falls_silent: "System" })"));
  let_pass(k_reopening);
  outlive([&] { service_->reopen_channels(); });
}

void World::act(const Deed& deed) {
  ++figures_.deeds;
  switch (deed.kind) {
    case Deed::Kind::breakage: return break_something(deed);
    case Deed::Kind::mend: return mend_something(deed.choice);
    case Deed::Kind::edit: return edit_something(deed.choice);
    case Deed::Kind::meddling: return witness_.meddle([this, choice = deed.choice] { edit_something(choice); });
    case Deed::Kind::command: return outlive([&] { command(deed); });
    case Deed::Kind::wrong_call: {
      ++figures_.wrong_calls;
      constexpr sim::Injection k_injections[] = {sim::Injection::denied,       sim::Injection::busy,
                                                 sim::Injection::timeout,      sim::Injection::timeout_after_success,
                                                 sim::Injection::crash_before, sim::Injection::crash_after_success};
      return host_.injector().arm(1 + (deed.choice >> 8) % 6, pick(std::span(k_injections), deed.choice));
    }
    case Deed::Kind::crash: return witness_.memory().crash_after_append(1 + deed.choice % 12);
    case Deed::Kind::restart: {
      outlive([&] {
        service_->engine().stop("the world says so", [] {});
        service_->settle();
      });
      return end(false);
    }
    case Deed::Kind::clock: return move_clock(deed.choice);
    case Deed::Kind::event_log: return disturb_event_log(deed.choice);
    case Deed::Kind::full_disk:
      witness_.memory().fail_appends(Error{ErrorCode::exhausted, "the disk is full", "", {}});
      let_pass(std::chrono::minutes{1 + deed.choice % 30});
      return witness_.memory().fail_appends(std::nullopt);
    case Deed::Kind::client: return change(changed("client_connects: true"));
    case Deed::Kind::pruning: return witness_.memory().want_pruning(deed.choice % 2 == 0);
  }
}

// --- judgement ---

std::uint64_t World::probes() {
  const auto records = host_.control().events.records(k_rdp_core);
  return records ? records->newest() : 0;
}

void World::leave_alone() {
  host_.injector().disarm();
  witness_.meddle(nullptr);
  witness_.memory().crash_after_append(0);
  witness_.memory().fail_appends(std::nullopt);
  witness_.memory().want_pruning(false);
  change(changed("clock { offset {} }"));
}

// An incident that is open, or that somebody has dismissed although its fault is there.
bool World::something_stays() const {
  return std::ranges::any_of(witness_.book().incidents(), [](const auto& each) {
    return !is_closed(each.second->state()) || each.second->state() == v1::INCIDENT_STATE_DISMISSED;
  });
}

void World::check_stillness() {
  const auto entries = witness_.entries();
  const auto writes = witness_.memory().appends();
  const auto probe_events = probes();
  let_pass(k_stillness);
  const auto hours = static_cast<std::uint64_t>(k_stillness / 1h);
  const auto most = something_stays() ? k_most_entries_an_hour_of_a_fault : k_most_entries_an_hour;
  if (const auto more = witness_.entries() - entries; more > hours * most)
    witness_.complain(fmt::format("{} entries in {} h of a still host", more, hours));
  if (const auto more = witness_.memory().appends() - writes; more > hours * (most + k_most_bookmarks_an_hour))
    witness_.complain(fmt::format("{} writes to the journal in {} h of a still host", more, hours));
  if (const auto more = probes() - probe_events; more > hours * k_most_probe_events_an_hour)
    witness_.complain(fmt::format("{} events of probes in {} h of a still host", more, hours));
}

// Every incident is over, or says what it waits for; and what is wrong with the host is an incident.
void World::check_ends() {
  std::optional<v1::DiagnoseResponse> answer;
  outlive([&] {
    service_->engine().diagnose(
        {},
        [&](const auto& result) {
          if (result) answer = *result;
        },
        [] { return true; });
    service_->settle();
  });
  const auto snapshot = service_->engine().snapshot();
  for (const auto& [id, incident] : snapshot->incidents) {
    const auto about = fmt::format("incident {} about {} is {} ({})", id, incident->diagnosis().fault_id(),
                                   rdpmend::to_string(incident->state()), incident->reason());
    if (is_closed(incident->state())) continue;
    const bool waits = incident->state() == v1::INCIDENT_STATE_OPEN ||
                       incident->state() == v1::INCIDENT_STATE_ESCALATED ||
                       (incident->state() == v1::INCIDENT_STATE_ROLLED_BACK && snapshot->breaker_open) ||
                       (incident->state() == v1::INCIDENT_STATE_AWAITING_APPROVAL &&
                        host_.control().clock.now() - from_proto(incident->state_since()) <= k_approval_timeout + 1min);
    if (!waits) witness_.complain(about + " although the world has long left the host alone");
    if (incident->reason().empty()) witness_.complain(about + " and does not say what it waits for");
  }
  if (!answer) return witness_.complain("a diagnosis is not answered");
  if (!something_stays() && !host_.client_connects()) witness_.complain("no client gets in, and no incident tells");
  for (const auto& finding : answer->findings()) {
    const bool known = std::ranges::any_of(snapshot->incidents, [&](const auto& each) {
      const auto& incident = *each.second;
      return incident.diagnosis().fault_id() == finding.fault_id() &&
             incident.diagnosis().subject() == finding.diagnosis().subject() &&
             (!is_closed(incident.state()) || incident.state() == v1::INCIDENT_STATE_DISMISSED);
    });
    if (finding.outcome() == v1::Finding::OUTCOME_PRESENT && !known)
      witness_.complain(
          fmt::format("{} is there and no incident tells: {}", finding.fault_id(), finding.diagnosis().summary()));
    if (finding.outcome() == v1::Finding::OUTCOME_ABSENT) {
      for (const auto& [id, incident] : snapshot->incidents) {
        // What a repair has written so far may be why the fault is gone: its next rung waits all the same.
        const bool half_done =
            incident->state() == v1::INCIDENT_STATE_AWAITING_APPROVAL && has_written(incident->repair());
        if (incident->diagnosis().fault_id() == finding.fault_id() && !is_closed(incident->state()) && !half_done)
          witness_.complain(fmt::format("{} is gone, but incident {} is {} ({})", finding.fault_id(), id,
                                        rdpmend::to_string(incident->state()), incident->reason()));
      }
    }
  }
}

std::string World::run(Duration time) {
  try {
    live(time);
  } catch (const std::logic_error& error) {
    witness_.complain(error.what());
  }
  return fmt::format("{}", fmt::join(witness_.complaints(), "\n"));
}

void World::live(Duration time) {
  for (const auto& deed : deeds_) {
    if (deed.at > passed_) {
      let_pass(deed.at - passed_);
      passed_ = deed.at;
    }
    if (!witness_.complaints().empty()) break;
    act(deed);
  }
  if (witness_.complaints().empty()) {
    if (time > passed_) let_pass(time - passed_);
    if (witness_.entries() > k_most_entries_a_deed * (deeds_.size() + 1) +
                                 static_cast<std::uint64_t>(time / 1h) * k_most_entries_an_hour_of_a_fault)
      witness_.complain(fmt::format("{} entries for {} deeds", witness_.entries(), deeds_.size()));
    leave_alone();
    let_pass(k_settling);
  }
  if (witness_.complaints().empty()) check_ends();
  if (witness_.complaints().empty()) check_stillness();
  if (witness_.complaints().empty()) witness_.check_as_it_was();
  figures_.time = time + k_settling + k_stillness;
}

std::string World::newest_entries(std::size_t count) {
  const auto last = witness_.range().last_seq;
  const auto entries = witness_.read(last > count ? last - count : 0, count, 0).value();
  std::string lines;
  for (auto entry : entries) {
    const auto time = to_iso8601(from_proto(entry.time()));
    entry.clear_time();
    lines += fmt::format("{} {}\n", time, entry.ShortDebugString().substr(0, k_most_of_an_entry));
  }
  return lines;
}

Figures World::figures() const {
  auto figures = figures_;
  figures.incidents = witness_.entries(v1::JournalEntry::kIncidentOpened);
  figures.repairs = witness_.entries(v1::JournalEntry::kRepairStarted);
  figures.repaired = witness_.ended(v1::RepairEnded::OUTCOME_REPAIRED);
  figures.undone = witness_.ended(v1::RepairEnded::OUTCOME_ROLLED_BACK);
  figures.blocked = witness_.ended(v1::RepairEnded::OUTCOME_ROLLBACK_BLOCKED);
  figures.entries = witness_.entries();
  return figures;
}

}  // namespace rdpmend::world
