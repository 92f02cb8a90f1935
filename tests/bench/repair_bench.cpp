// How long a host stays broken because of us: from the event in the log to the first step applied and durable, and to
// verified healthy. The host is simulated, on a virtual clock: its own delays cost no time here and are told apart.
// Engine, rules, correlator, faults, executor and the journal on SQLite are the real ones.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "service/config/config.hpp"
#include "service/store/sqlite_journal.hpp"
#include "tests/bench/scratch_folder.hpp"
#include "tests/engine/rehearsed_engine.hpp"

namespace rdpmend {
namespace {

using WallClock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;
using Seconds = std::chrono::duration<double>;

constexpr Duration k_first_sweep = std::chrono::seconds{1};
constexpr Duration k_patience = std::chrono::minutes{10};  // Of the host's time.

struct Times {
  Milliseconds first_step{};
  Milliseconds healed{};
  Seconds healed_on_host{};  // By the host's own clock: its services' and probes' time.
};

// Stamps what the journal makes durable.
class Stamps {
 public:
  explicit Stamps(const Journal& journal) : journal_(journal), seen_(journal.range().last_seq) {}

  void look() {
    const auto entries = journal_.read(seen_, 100);
    for (const auto& entry : entries.value()) {
      seen_ = entry.seq();
      if (entry.has_step_done() && !first_step) first_step = WallClock::now();
      if (entry.incident_state_changed().to() == v1::INCIDENT_STATE_REPAIRED) healed = WallClock::now();
    }
  }

  std::optional<WallClock::time_point> first_step;
  std::optional<WallClock::time_point> healed;

 private:
  const Journal& journal_;
  std::uint64_t seen_;
};

// Breaks a healthy host as the scenario's first change does, lets a client fail, and runs until the repair is verified.
std::optional<Times> break_and_heal(const v1::Scenario& scenario) {
  const bench::ScratchFolder folder;
  const auto config = default_config();
  sim::SimHost host(test::scenario("healthy"), {});
  const auto opened = SqliteJournal::open(folder.path() / "journal.sqlite", config.journal());
  SqliteJournal& journal = *opened.value().journal;
  test::RehearsedEngine engine(host, journal, config.policy());
  engine.run_for(k_first_sweep);

  Stamps stamps(journal);
  journal.set_listener([&](std::uint64_t) { stamps.look(); });
  const Clock& clock = host.control().clock;
  const auto host_begin = clock.steady();
  host.change(scenario.changes(0));
  host.client_connects();
  const auto begin = WallClock::now();
  engine.run_until([&] { return stamps.healed.has_value(); }, k_patience);
  const auto host_end = clock.steady();
  journal.set_listener(nullptr);
  if (!stamps.healed || !stamps.first_step) return std::nullopt;
  return Times{*stamps.first_step - begin, *stamps.healed - begin, host_end - host_begin};
}

double percentile(std::vector<double>& values, double part) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<std::size_t>(part * static_cast<double>(values.size())))];
}

void signal_to_repair(benchmark::State& state, const char* name) {
  const auto scenario = test::scenario(name);
  std::vector<double> first_step_ms;
  std::vector<double> healed_ms;
  double host_s = 0;
  for (auto _ : state) {
    const auto times = break_and_heal(scenario);
    if (!times) {
      state.SkipWithError("the host was not healed");
      break;
    }
    state.SetIterationTime(Seconds{times->first_step}.count());
    first_step_ms.push_back(times->first_step.count());
    healed_ms.push_back(times->healed.count());
    host_s = times->healed_on_host.count();
  }
  if (first_step_ms.empty()) return;
  state.counters["first_step_p50_ms"] = percentile(first_step_ms, 0.5);
  state.counters["first_step_p99_ms"] = percentile(first_step_ms, 0.99);
  state.counters["healed_p50_ms"] = percentile(healed_ms, 0.5);
  state.counters["healed_on_host_s"] = host_s;
}
BENCHMARK_CAPTURE(signal_to_repair, certificate_expired, "certificate-expired-key-denied")
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(signal_to_repair, firewall_rule_disabled, "firewall-rule-disabled")
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace rdpmend
