// Events a second on one core: what an event storm costs before the first rule decides anything.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <vector>

#include "agent-lib/engine/tallies.hpp"
#include "agent-lib/events/event_file.hpp"
#include "agent-lib/events/event_xml.hpp"
#include "agent-lib/rules/catalogue.hpp"
#include "agent-lib/rules/rule_matcher.hpp"
#include "agent-lib/sim/sim_host.hpp"
#include "tests/paths.hpp"

namespace rdpmend {
namespace {

// Says why there is no figure, without an error: the examples are data of others and need not be here.
void skip(benchmark::State& state) {
  for (auto _ : state) benchmark::ClobberMemory();
  state.SetLabel("skipped: ../shared/evtx/examples.xml is absent");
}

// Real events; empty where the examples are absent.
std::vector<std::string> example_events() {
  std::vector<std::string> events;
  const std::filesystem::path file = test::source_dir() + "/../shared/evtx/examples.xml";
  const auto take = [&](std::string_view xml, const FilePosition&) { events.emplace_back(xml); };
  (void)read_event_file(file, {take, [](const FileProblem&) {}});
  return events;
}

void parse_and_match(benchmark::State& state) {
  const auto events = example_events();
  if (events.empty()) return skip(state);
  const auto catalogue = Catalogue::built_in();
  const RuleMatcher matcher(catalogue.rules());
  std::size_t next = 0;
  std::int64_t bytes = 0;
  for (auto _ : state) {
    const auto& xml = events[next];
    next = next + 1 == events.size() ? 0 : next + 1;
    bytes += static_cast<std::int64_t>(xml.size());
    const auto record = parse_event(xml);
    auto matches = matcher.match(*record);
    benchmark::DoNotOptimize(matches);
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(bytes);
}
BENCHMARK(parse_and_match);

// A brute force: each event is counted, and each comes from somebody else.
void parse_match_and_count(benchmark::State& state) {
  const auto catalogue = Catalogue::built_in();
  const RuleMatcher matcher(catalogue.rules());
  sim::SimHost host(v1::Scenario{}, {});
  Tallies tallies(catalogue.rules(), host.control().clock);
  std::uint32_t next = 0;
  for (auto _ : state) {
    ++next;
    const auto record = parse_event(fmt::format(
        "<Event><System><Provider Name='Microsoft-Windows-RemoteDesktopServices-RdpCoreTS'/><EventID>140</EventID>"
        "<TimeCreated SystemTime='2026-03-02T08:00:00.1234567Z'/><EventRecordID>{}</EventRecordID>"
        "<Channel>Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational</Channel></System>"
        "<EventData><Data Name='IPString'>10.{}.{}.{}</Data></EventData></Event>",
        next, next / 65536 % 256, next / 256 % 256, next % 256));
    for (const auto& match : matcher.match(*record)) {
      auto signal = tallies.count(match, *record);
      benchmark::DoNotOptimize(signal);
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(parse_match_and_count);

void match_only(benchmark::State& state) {
  std::vector<EventRecord> records;
  for (const auto& xml : example_events()) records.push_back(*parse_event(xml));
  if (records.empty()) return skip(state);
  const auto catalogue = Catalogue::built_in();
  const RuleMatcher matcher(catalogue.rules());
  std::size_t next = 0;
  for (auto _ : state) {
    auto matches = matcher.match(records[next]);
    next = next + 1 == records.size() ? 0 : next + 1;
    benchmark::DoNotOptimize(matches);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(match_only);

}  // namespace
}  // namespace rdpmend
