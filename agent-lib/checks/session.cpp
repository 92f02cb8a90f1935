// TermService answers what sessions there are; a hung one does not.
#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/checks/answer.hpp"
#include "agent-lib/checks/checks.hpp"

namespace rdpmend::checks {

v1::Check look_at_session(const Look& look, const OwnState&) {
  const auto sessions = need(look.host.sessions.list());
  const auto active = std::count_if(sessions.begin(), sessions.end(), [](const auto& each) { return each.active; });
  const auto remote = std::count_if(sessions.begin(), sessions.end(), [](const auto& each) { return each.remote; });
  const auto found = fmt::format("{} in all, {} remote, {} connected", sessions.size(), remote, active);
  Answer answer;
  answer.saw("sessions", found, "", "WTSEnumerateSessions");
  return answer.healthy("TermService tells of its sessions: " + found);
}

}  // namespace rdpmend::checks
