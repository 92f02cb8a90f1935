#include "tests/engine/rehearsed_engine.hpp"

#include <algorithm>
#include <stdexcept>

#include "agent-lib/rules/query_builder.hpp"

namespace rdpmend::test {

namespace {
constexpr Duration k_longest_jump = std::chrono::seconds{5};
constexpr std::size_t k_batch = 64;
}  // namespace

RehearsedEngine::RehearsedEngine(sim::SimHost& host, Journal& journal, v1::PolicyConfig policy,
                                 std::vector<std::unique_ptr<Fault>> faults)
    : host_(host), faults_(std::move(faults)) {
  EngineParts parts{.host = host.control(),
                    .journal = journal,
                    .catalogue = catalogue_,
                    .faults = faults_,
                    .policy = std::move(policy),
                    .version = "test",
                    .degraded = {}};
  engine_ = std::make_unique<Engine>(std::move(parts), io_.get_executor(), io_.get_executor());
  engine_->agenda().set_on_change([this] { due_ = engine_->agenda().next(); });
  if (auto started = engine_->start(); !started) throw std::runtime_error(to_string(started.error()));
  open_channels();
}

RehearsedEngine::~RehearsedEngine() = default;

void RehearsedEngine::open_channels() {
  const auto bookmarks = engine_->bookmarks();
  for (const auto& query : build_queries(catalogue_.rules())) {
    const auto bookmark = bookmarks.find(query.channel);
    auto opened = host_.control().events.subscribe(
        query, bookmark == bookmarks.end() ? std::nullopt : std::optional(bookmark->second));
    if (opened) channels_[query.channel] = std::move(*opened);
  }
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

void RehearsedEngine::settle() {
  do {
    io_.restart();
    io_.poll();
  } while (pump_events());
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
    host_.advance(std::min({due_.value_or(end) - now, end - now, k_longest_jump}));
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

std::vector<v1::JournalEntry> all_entries(const sim::MemoryJournal& journal) {
  return journal.read(0, 1'000'000, 0).value();
}

std::size_t count_entries(const sim::MemoryJournal& journal, v1::JournalEntry::BodyCase body) {
  const auto entries = all_entries(journal);
  return static_cast<std::size_t>(
      std::count_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.body_case() == body; }));
}

std::optional<v1::Diagnosis> only(const std::vector<v1::Diagnosis>& found) {
  if (found.size() > 1) throw std::logic_error("the fault was found on more than one subject");
  return found.empty() ? std::nullopt : std::optional(found.front());
}

v1::Scenario scenario(const std::string& name) {
  return sim::find_scenario(name).value();
}

}  // namespace rdpmend::test
