#include "agent-lib/engine/own_probes.hpp"

#include <algorithm>
#include <array>

#include "agent-lib/support/address.hpp"

namespace rdpmend {

namespace {

using namespace std::chrono_literals;

// The listener may log what became of a connection a little after we have left it. How late it can be, no page says.
constexpr Duration k_late = 5s;
// Of event times, which are no finer on some hosts.
constexpr Duration k_early = 1s;
constexpr std::size_t k_most_windows = 64;

// Where events of RdpCoreTS name the client, with and without a port: 139 and 131.
constexpr std::array<std::string_view, 2> k_client_fields{"IPString", "ClientIP"};

}  // namespace

// Of an event. The port is 0 where it has none.
struct OwnProbes::Client {
  std::string address;
  std::uint16_t port = 0;
};

bool OwnProbes::Window::holds(const Client& client, WallTime time) const {
  if (client.address != address && !is_loopback(client.address)) return false;
  if (port != 0 && client.port != 0 && client.port != port) return false;
  return time >= began - k_early && (!ended || time <= *ended + k_late);
}

Result<v1::ProbeReport> OwnProbes::probe(ProbeFrom from, Duration deadline) const {
  // What connects to one of the host's own addresses comes from the same one.
  std::string address;
  if (from == ProbeFrom::own_address) {
    if (const auto state = listener_.state()) address = address_in(state->own_address).value_or("");
  }
  const auto number = begin(std::move(address));
  auto report = listener_.probe(from, deadline);
  end(number, report);
  return report;
}

std::uint64_t OwnProbes::begin(std::string address) const {
  const std::scoped_lock lock(mutex_);
  windows_.push_back({++last_, std::move(address), 0, clock_.now(), std::nullopt});
  if (windows_.size() > k_most_windows) windows_.pop_front();
  return last_;
}

void OwnProbes::end(std::uint64_t number, const Result<v1::ProbeReport>& report) const {
  const std::scoped_lock lock(mutex_);
  const auto window = std::ranges::find(windows_, number, &Window::number);
  if (window == windows_.end()) return;
  window->ended = clock_.now();
  if (!report) return;
  if (auto address = address_in(report->address())) window->address = std::move(*address);
  window->port = static_cast<std::uint16_t>(report->local_port());
}

bool OwnProbes::caused(const EventRecord& event) const {
  if (!event.time) return false;
  for (const auto field : k_client_fields) {
    const auto value = event.named(field);
    const auto address = value ? address_in(*value) : std::nullopt;
    if (!address) continue;
    if (*event.time < since_ && is_loopback(*address)) return true;
    const auto written = parse_host_port(*value);
    const Client client{*address, written ? written->port.value_or(0) : std::uint16_t{0}};
    const std::scoped_lock lock(mutex_);
    return std::ranges::any_of(windows_, [&](const Window& window) { return window.holds(client, *event.time); });
  }
  return false;
}

}  // namespace rdpmend
