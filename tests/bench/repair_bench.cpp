// How long a host stays broken because of us: from the event in the log to the first step applied and durable, and to
// verified healthy. The host is simulated, on a virtual clock: its own delays cost no time here and are told apart.
// Engine, rules, correlator, faults, executor and the journal on SQLite are the real ones.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "agent-lib/engine/engine.hpp"
#include "agent-lib/engine/event_reader.hpp"
#include "agent-lib/rules/query_builder.hpp"
#include "agent-lib/sim/scenarios.hpp"
#include "agent-lib/sim/sim_host.hpp"
#include "service/config.hpp"
#include "service/store/sqlite_journal.hpp"
#include "tests/bench/scratch_folder.hpp"

namespace rdpmend {
namespace {

using WallClock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;
using Seconds = std::chrono::duration<double>;

constexpr int k_most_rounds = 10'000;

// A healthy host with the service's core on it, all on this thread.
class Bed {
 public:
  Bed()
      : host_(sim::find_scenario("healthy").value(), {}),
        control_(host_.control()),
        catalogue_(Catalogue::built_in()),
        faults_(make_faults()),
        journal_(std::move(
            SqliteJournal::open(folder_.path() / "journal.sqlite", default_config().journal()).value().journal)),
        engine_(EngineParts{control_,
                            *journal_,
                            catalogue_,
                            faults_,
                            default_config().policy(),
                            std::chrono::seconds{5},
                            "bench",
                            {}},
                io_.get_executor(), io_.get_executor()),
        reader_(
            control_.events, control_.clock, build_queries(catalogue_.rules()), {},
            [this](std::string channel, EventBatch batch, std::function<void()> taken) {
              engine_.take(std::move(channel), std::move(batch), std::move(taken));
            },
            [](const std::string&, const std::string&) {}) {
    journal_->set_listener([this](std::uint64_t) { read_journal(); });
    ok_ = engine_.start().has_value();
    settle();
  }
  ~Bed() {
    engine_.stop("measured", [] {});
    settle();
    journal_->set_listener(nullptr);
  }
  Bed(const Bed&) = delete;
  Bed& operator=(const Bed&) = delete;

  struct Times {
    Milliseconds first_step{};
    Milliseconds healed{};
    Seconds healed_on_host{};  // By the host's own clock.
  };

  // Breaks the host as the scenario's first change does, lets a client fail, and runs until the repair is verified.
  std::optional<Times> heal(const v1::Scenario& scenario) {
    host_.change(scenario.changes(0));
    const auto host_begin = control_.clock.steady();
    host_.client_connects();
    const auto begin = WallClock::now();
    for (int round = 0; ok_ && !healed_at_ && round < k_most_rounds; ++round) turn();
    if (!healed_at_ || !stepped_at_) return std::nullopt;
    return Times{*stepped_at_ - begin, *healed_at_ - begin, control_.clock.steady() - host_begin};
  }

 private:
  // What can be done now; else the host's clock moves to the next thing that is due.
  void turn() {
    reader_.read_once();
    io_.restart();
    if (io_.poll() > 0) return;
    host_.advance(std::clamp(engine_.next_tick() - control_.clock.steady(), Duration{std::chrono::milliseconds{1}},
                             Duration{std::chrono::seconds{1}}));
    engine_.tick();
  }

  void settle() {
    reader_.read_once();
    do {
      io_.restart();
    } while (io_.poll() > 0);
  }

  void read_journal() {
    const auto entries = journal_->read(seen_, 100);
    if (!entries) return;
    for (const auto& entry : *entries) {
      seen_ = entry.seq();
      if (entry.has_step_done() && !stepped_at_) stepped_at_ = WallClock::now();
      if (entry.incident_state_changed().to() == v1::INCIDENT_STATE_REPAIRED) healed_at_ = WallClock::now();
    }
  }

  bench::ScratchFolder folder_;
  sim::SimHost host_;
  HostControl control_;
  Catalogue catalogue_;
  std::vector<std::unique_ptr<Fault>> faults_;
  std::unique_ptr<SqliteJournal> journal_;
  asio::io_context io_;
  Engine engine_;
  EventReader reader_;
  bool ok_ = false;
  std::uint64_t seen_ = 0;
  std::optional<WallClock::time_point> stepped_at_;
  std::optional<WallClock::time_point> healed_at_;
};

double percentile(std::vector<double>& values, double part) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<std::size_t>(part * static_cast<double>(values.size())))];
}

void signal_to_repair(benchmark::State& state, const char* name) {
  const auto scenario = sim::find_scenario(name).value();
  std::vector<double> first_step_ms;
  std::vector<double> healed_ms;
  double host_s = 0;
  for (auto _ : state) {
    Bed bed;
    const auto times = bed.heal(scenario);
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
BENCHMARK_CAPTURE(signal_to_repair, certificate_expired, "certificate-expired")
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(signal_to_repair, firewall_rule_disabled, "firewall-rule-disabled")
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace rdpmend
