// The checks in the order of a connection; then what lies beside the way.
#include "agent-lib/checks/checks.hpp"

namespace rdpmend::checks {

std::span<const Check> all() {
  static constexpr bool fatal = true;
  static constexpr Check checks[] = {
      {v1::STAGE_NAME, "name", "Does the host's name lead clients to it?", fatal, look_at_name},
      {v1::STAGE_TCP, "tcp", "Does the listener's port accept connections?", fatal, look_at_tcp},
      {v1::STAGE_FIREWALL, "firewall", "Does the host's firewall let clients in?", fatal, look_at_firewall},
      {v1::STAGE_SERVICE, "service", "Do Remote Desktop's services run?", fatal, look_at_service},
      {v1::STAGE_LISTENER, "listener", "Is Remote Desktop allowed, and does TermService listen?", fatal,
       look_at_listener},
      {v1::STAGE_X224, "x224", "Does the listener answer the first message of a client?", fatal, look_at_x224},
      {v1::STAGE_CERTIFICATE, "certificate", "Is the listener's certificate valid, and can its key be used?", fatal,
       look_at_certificate},
      {v1::STAGE_TLS, "tls", "Does the listener complete a TLS handshake?", fatal, look_at_tls},
      {v1::STAGE_CREDSSP, "nla", "Are the settings of Network Level Authentication valid and acted on?", fatal,
       look_at_nla},
      {v1::STAGE_LICENSING, "licence", "Does RDS licensing let people in?", fatal, look_at_licence},
      {v1::STAGE_LOGON, "logon", "Are new sign-ins let in?", fatal, look_at_logon},
      {v1::STAGE_SESSION, "session", "Does TermService tell of its sessions?", !fatal, look_at_session},
      {v1::STAGE_POLICY, "policy", "Does Group Policy let Remote Desktop be?", !fatal, look_at_policy},
      {v1::STAGE_CLOCK, "clock", "Is the host's clock right?", !fatal, look_at_clock},
      {v1::STAGE_AGENT, "agent", "Does rdpmend itself see and do what it should?", !fatal, look_at_agent},
  };
  return checks;
}

}  // namespace rdpmend::checks
