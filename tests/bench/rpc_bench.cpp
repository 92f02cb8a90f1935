// What our service adds to a call: GetStatus over mutual TLS against a bare gRPC method over the same kind of
// connection, between the same two processes, in turns, so that what else the machine does meets both alike.
#include <benchmark/benchmark.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "cli/session/client.hpp"
#include "tests/bench/rpc_server.hpp"
#include "tests/e2e/child_process.hpp"

namespace rdpmend {
namespace {

using testing_support::ChildProcess;
using SteadyClock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

std::string word_after(ChildProcess& server, const std::string& name) {
  const auto line = server.wait_for_line([&](const std::string& text) { return text.starts_with(name + " "); },
                                         std::chrono::seconds{30});
  return line ? line->substr(name.size() + 1) : "";
}

double call_us(cli::Client& client) {
  const auto begin = SteadyClock::now();
  const auto answer = client.call(&cli::Client::Stub::GetStatus, v1::GetStatusRequest{});
  return answer ? Microseconds{SteadyClock::now() - begin}.count() : -1;
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void get_status_against_echo(benchmark::State& state) {
  ChildProcess server({"/proc/self/exe", bench::k_serve});
  const auto profile_file = word_after(server, "profile");
  const auto echo_address = word_after(server, "echo");
  auto profile = cli::read_profile(profile_file);
  if (!profile || echo_address.empty()) {
    state.SkipWithError(("the server did not start: " + server.standard_error()).c_str());
    return;
  }
  auto echo_profile = *profile;
  echo_profile.address = echo_address;
  cli::Client service(std::move(*profile), std::chrono::seconds{10}, {});
  cli::Client echo(std::move(echo_profile), std::chrono::seconds{10}, {});
  for (int i = 0; i < 500; ++i) {  // Connections, caches.
    if (call_us(service) < 0 || call_us(echo) < 0) {
      state.SkipWithError("a call failed");
      return;
    }
  }
  std::vector<double> service_us;
  std::vector<double> echo_us;
  for (auto _ : state) {
    service_us.push_back(call_us(service));
    echo_us.push_back(call_us(echo));
  }
  state.counters["get_status_us"] = median(service_us);
  state.counters["echo_us"] = median(echo_us);
  state.counters["ratio"] = median(service_us) / median(echo_us);
  server.send_signal(SIGTERM);
  if (server.wait(std::chrono::seconds{20}) != 0) state.SkipWithError("the server did not stop well");
}
BENCHMARK(get_status_against_echo)->UseRealTime();

}  // namespace
}  // namespace rdpmend
