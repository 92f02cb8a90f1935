// What the firewall's effective policy does to clients, interface by interface.
#include "agent-lib/checks/answer.hpp"
#include "agent-lib/checks/checks.hpp"

#include <fmt/format.h>

#include "agent-lib/faults/firewall/firewall_picture.hpp"

namespace rdpmend::checks {

namespace {

std::string what_shuts(const faults::firewall::WayIn& way) {
  if (!way.obstacles.empty()) return fmt::format("{}: {}", way.obstacles[0].what, way.obstacles[0].found);
  return fmt::format("firewall rule {}: disabled", way.disabled[0]->id());
}

}  // namespace

v1::Check look_at_firewall(const Look& look, const OwnState&) {
  const auto picture = need(faults::firewall::read_firewall_picture(look.host));
  Answer answer;
  for (const auto& down : picture.status.services_down) {
    answer.saw("service " + down.name, down.found ? "not running" : "not installed", "running",
               "Service Control Manager");
    answer.complains(fmt::format("service {} does not run: everything inbound is dropped", down.name));
  }
  if (answer.has_complaints()) return answer.faulty();

  const auto ways = need(faults::firewall::judge_ways_in(picture));
  if (ways.empty()) return answer.unknown("no interface and no active firewall profile is known");
  const auto expected = fmt::format("TCP port {} is let in", picture.port);
  std::string open;
  for (const auto& way : ways) {
    answer.saw(way.name, way.open() ? expected : what_shuts(way), expected, "effective firewall policy");
    if (!way.open()) answer.complains(fmt::format("{} is shut: {}", way.name, what_shuts(way)));
    open += (open.empty() ? "" : ", ") + way.name;
  }
  if (answer.has_complaints()) return answer.faulty();
  return answer.healthy(fmt::format("{} on {}", expected, open));
}

}  // namespace rdpmend::checks
