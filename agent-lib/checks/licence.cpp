// Licensing that has failed says so in the log of the RemoteConnectionManager (rdp-host.md 1.2). That it works only WMI
// tells, which is not read: https://learn.microsoft.com/windows/win32/termserv/win32-terminalservicesetting
#include <fmt/format.h>

#include "agent-lib/checks/answer.hpp"
#include "agent-lib/checks/checks.hpp"
#include "agent-lib/events/event_xml.hpp"

namespace rdpmend::checks {

namespace {

constexpr std::string_view k_rcm = "Microsoft-Windows-TerminalServices-RemoteConnectionManager";
constexpr Duration k_of_late = std::chrono::hours{24};

// The grace period is over, or no licence server can be used. Older builds number the second kind 1128 to 1133.
std::vector<std::uint32_t> failures() {
  return {1069, 1128, 1130, 1131, 1132, 1133, 50280, 50282, 50283, 50284, 50285};
}

// Empty where the role, and with it the channel, is not installed.
std::vector<std::string> failures_of_late(const Look& look) {
  auto found = look.host.events.look_up(
      {std::string(k_rcm) + "/Admin", std::string(k_rcm), failures(), look.host.clock.now() - k_of_late, 1});
  if (!found && found.error().code == ErrorCode::not_found) return {};
  return need(std::move(found));
}

}  // namespace

v1::Check look_at_licence(const Look& look, const OwnState&) {
  const auto found = failures_of_late(look);
  Answer answer;
  if (found.empty()) {
    answer.saw("licensing failures within a day", "none", "none", std::string(k_rcm) + "/Admin");
    return answer.out_of_sight(
        "no licensing failure was logged within a day; mode, servers and grace period are told by WMI only, which is "
        "not read");
  }
  const auto event = need(parse_event(found.front()));
  answer.saw(fmt::format("event {}", event.event_id), "licensing failed", "none",
             fmt::format("{}/Admin #{}", k_rcm, event.record_id));
  return answer.faulty(fmt::format("licensing failed within a day: event {}", event.event_id));
}

}  // namespace rdpmend::checks
