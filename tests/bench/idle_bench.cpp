// What the service costs when nothing happens: resident memory, and how often it wakes up.
#include <benchmark/benchmark.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/bench/scratch_folder.hpp"
#include "tests/e2e/child_process.hpp"

namespace rdpmend {
namespace {

using testing_support::ChildProcess;

// A number of /proc/PID/status or .../task/TID/status: https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
double number_of(const std::filesystem::path& file, const std::string& name) {
  std::ifstream in{file};
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name + ":")) return std::stod(line.substr(name.size() + 1));
  }
  return 0;
}

// Threads that gRPC makes name themselves; ours keep the program's name. gRPC 1.51 polls its callback queues, and fires
// two timers of its own, once or twice a second, whatever its user does.
struct WakeUps {
  double ours = 0;
  double grpc = 0;
};
WakeUps wake_ups(const std::filesystem::path& process) {
  WakeUps sum;
  for (const auto& task : std::filesystem::directory_iterator(process / "task")) {
    std::string name;
    std::getline(std::ifstream{task.path() / "comm"}, name);
    (name == "rdpmendd" ? sum.ours : sum.grpc) += number_of(task.path() / "status", "voluntary_ctxt_switches");
  }
  return sum;
}

void idle_service(benchmark::State& state) {
  const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "rdpmendd";
  const bench::ScratchFolder folder;
  ChildProcess service({program.string(), "rehearse", "healthy", "--state", folder.path().string()});
  const auto ready = service.wait_for_line([](const auto& line) { return line.find("status") != std::string::npos; },
                                           std::chrono::seconds{30});
  if (!ready) {
    state.SkipWithError(("the service did not start: " + service.standard_error()).c_str());
    return;
  }
  const std::filesystem::path process = "/proc/" + std::to_string(service.pid());
  constexpr std::chrono::seconds k_window{5};
  for (auto _ : state) {
    std::this_thread::sleep_for(k_window);  // The first sweep ends.
    const auto before = wake_ups(process);
    std::this_thread::sleep_for(k_window);
    const auto after = wake_ups(process);
    state.counters["wake_ups_per_s"] = (after.ours - before.ours) / static_cast<double>(k_window.count());
    state.counters["grpc_wake_ups_per_s"] = (after.grpc - before.grpc) / static_cast<double>(k_window.count());
    state.counters["resident_MiB"] = number_of(process / "status", "VmRSS") / 1024;
    state.counters["private_MiB"] = number_of(process / "status", "RssAnon") / 1024;
    state.counters["threads"] = number_of(process / "status", "Threads");
  }
  service.send_signal(SIGTERM);
  if (service.wait(std::chrono::seconds{20}) != 0) state.SkipWithError("the service did not stop well");
}
BENCHMARK(idle_service)->Iterations(1)->Unit(benchmark::kSecond)->UseRealTime();

}  // namespace
}  // namespace rdpmend
