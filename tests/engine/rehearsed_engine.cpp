#include "tests/engine/rehearsed_engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "agent-lib/rules/query_builder.hpp"

namespace rdpmend::test {

namespace {
constexpr std::size_t k_batch = 64;
constexpr int k_most_handlers = 100'000;  // At one moment.
}  // namespace

RehearsedEngine::RehearsedEngine(sim::SimHost& host, Journal& journal, v1::PolicyConfig policy,
                                 std::vector<std::unique_ptr<Fault>> faults, std::uint64_t seed)
    : host_(host), journal_(journal), faults_(std::move(faults)), random_(seed), pass_time_([this](Duration time) {
        host_.advance(time);
      }) {
  EngineParts parts{.host = host.control(),
                    .journal = journal,
                    .catalogue = catalogue_,
                    .faults = faults_,
                    .policy = std::move(policy),
                    .version = "test",
                    .degraded = {},
                    .checks = checks::all(),
                    .channels = [this] { return channels(); }};
  engine_ = std::make_unique<Engine>(std::move(parts), engine_io_.get_executor(), worker_io_.get_executor());
  engine_->agenda().set_on_change([this] { due_ = engine_->agenda().next(); });
  if (auto started = engine_->start(); !started) throw std::runtime_error(to_string(started.error()));
  open_channels();
}

RehearsedEngine::~RehearsedEngine() = default;

void RehearsedEngine::open_channels() {
  const auto bookmarks = journal_.bookmarks().value();
  for (const auto& query : build_queries(catalogue_.rules())) {
    const auto bookmark = bookmarks.find(query.channel);
    auto opened = host_.control().events.subscribe(
        query, bookmark == bookmarks.end() ? std::nullopt : std::optional(bookmark->second));
    if (opened) channels_[query.channel] = std::move(*opened);
  }
}

void RehearsedEngine::reopen_channels() {
  channels_.clear();
  open_channels();
  for (const auto& [channel, subscription] : channels_) {
    v1::ChannelReopened what;
    what.set_channel(channel);
    what.set_reason("the subscription had fallen silent");
    engine_->channel_reopened(std::move(what));
  }
  settle();
}

std::vector<v1::ChannelStatus> RehearsedEngine::channels() const {
  std::vector<v1::ChannelStatus> statuses;
  for (const auto& [channel, subscription] : channels_) {
    statuses.emplace_back().set_channel(channel);
    statuses.back().set_state(v1::ChannelStatus::STATE_FOLLOWED);
  }
  return statuses;
}

bool RehearsedEngine::pump_events() {
  bool any = false;
  for (auto& [channel, subscription] : channels_) {
    auto batch = subscription->next(k_batch);
    if (!batch || (batch->xml.empty() && !batch->gap)) continue;
    engine_->take(channel, std::move(*batch), nullptr);
    any = true;
  }
  return any;
}

bool RehearsedEngine::run_one() {
  const bool engine_first = random_() % 2 == 0;
  for (auto* io : {engine_first ? &engine_io_ : &worker_io_, engine_first ? &worker_io_ : &engine_io_}) {
    io->restart();
    if (io->poll_one() > 0) return true;
  }
  return false;
}

void RehearsedEngine::settle() {
  for (int handlers = 0; run_one() || pump_events(); ++handlers) {
    if (handlers > k_most_handlers) throw std::logic_error("the engine never comes to rest");
  }
}

bool RehearsedEngine::run_until(const std::function<bool()>& done, Duration at_most) {
  const auto& clock = host_.control().clock;
  const auto end = clock.steady() + at_most;
  for (;;) {
    settle();
    if (done()) return true;
    const auto now = clock.steady();
    if (now >= end) return false;
    if (due_ && *due_ <= now) {
      engine_->agenda().run_due();
      continue;
    }
    // Time steps from one thing that happens to the next, be it the engine's or the host's.
    const auto next = std::min({due_.value_or(end), host_.next_happening().value_or(end), end});
    if (next <= now) throw std::logic_error("time stands still");
    pass_time_(next - now);
  }
}

void RehearsedEngine::run_for(Duration time) {
  run_until([] { return false; }, time);
}

std::shared_ptr<const v1::Incident> RehearsedEngine::incident(const std::string& fault_id) const {
  const auto snapshot = engine_->snapshot();
  for (auto it = snapshot->incidents.rbegin(); it != snapshot->incidents.rend(); ++it) {
    if (it->second->diagnosis().fault_id() == fault_id) return it->second;
  }
  return nullptr;
}

bool RehearsedEngine::in_state(const std::string& fault_id, v1::IncidentState state) const {
  const auto found = incident(fault_id);
  return found != nullptr && found->state() == state;
}

Result<v1::Incident> RehearsedEngine::act(v1::ActRequest request) {
  std::optional<Result<v1::Incident>> answer;
  engine_->act(std::move(request), {"test", "", ""}, [&](Result<v1::Incident> result) { answer = std::move(result); });
  settle();
  if (!answer) return fail(ErrorCode::internal, "the engine did not answer");
  return *answer;
}

void RehearsedEngine::approve_what_waits() {
  const auto snapshot = engine_->snapshot();
  for (const auto& [id, incident] : snapshot->incidents) {
    if (incident->state() != v1::INCIDENT_STATE_AWAITING_APPROVAL) continue;
    (void)act(order(v1::ActRequest::kApprove, id, fmt::format("approval after {}", incident->last_seq())));
  }
}

v1::ActRequest order(v1::ActRequest::VerbCase verb, std::uint64_t incident_id, std::string request_id) {
  v1::ActRequest request;
  request.set_incident_id(incident_id);
  request.set_request_id(request_id.empty() ? std::to_string(incident_id) : std::move(request_id));
  request.GetReflection()->MutableMessage(&request, v1::ActRequest::descriptor()->FindFieldByNumber(verb));
  return request;
}

std::vector<v1::JournalEntry> all_entries(const sim::MemoryJournal& journal) {
  return journal.read(0, 1'000'000, 0).value();
}

std::size_t count_entries(const sim::MemoryJournal& journal, v1::JournalEntry::BodyCase body) {
  const auto entries = all_entries(journal);
  return static_cast<std::size_t>(
      std::count_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.body_case() == body; }));
}

v1::Scenario scenario(const std::string& name) {
  return sim::find_scenario(name).value();
}

}  // namespace rdpmend::test
