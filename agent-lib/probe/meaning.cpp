// The reasoning is that of MS-RDPBCGR 2.2.1.2.2 and 5.4.5 for what a listener says, and for what it does not say: a
// closed or silent connection selects a stage, not a cause, and the words must not claim more.
#include "agent-lib/probe/meaning.hpp"

#include <fmt/format.h>

#include "agent-lib/probe/rdp_handshake.hpp"
#include "agent-lib/support/time.hpp"

namespace rdpmend {

namespace {

std::string with_cause(std::string sentence, std::string_view cause) {
  return cause.empty() ? sentence + "." : fmt::format("{}: {}.", sentence, cause);
}

std::string protocol_name(std::uint32_t protocol) {
  switch (protocol) {
    case rdp_protocol::k_rdp: return "standard RDP security";
    case rdp_protocol::k_tls: return "TLS";
    case rdp_protocol::k_hybrid: return "CredSSP";
    case rdp_protocol::k_rdstls: return "RDSTLS";
    case rdp_protocol::k_hybrid_ex: return "CredSSP with early result";
    default: return fmt::format("protocol 0x{:X}", protocol);
  }
}

std::string failure_name(std::uint32_t code) {
  switch (code) {
    case 1: return "SSL_REQUIRED_BY_SERVER";
    case 2: return "SSL_NOT_ALLOWED_BY_SERVER";
    case 3: return "SSL_CERT_NOT_ON_SERVER";
    case 4: return "INCONSISTENT_FLAGS";
    case 5: return "HYBRID_REQUIRED_BY_SERVER";
    case 6: return "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER";
    default: return "unknown";
  }
}

std::string failure_meaning(std::uint32_t code) {
  switch (code) {
    case 1: return "The listener requires TLS (SecurityLayer 2): the usual answer to a request that offers less.";
    case 2:
      return "The listener allows standard RDP security only (SecurityLayer 0), a downgrade or a misconfiguration: "
             "look at SecurityLayer of RDP-Tcp.";
    case 3:
      return "TLS is wanted but the listener has no usable certificate: look at the listener certificate, its key's "
             "permissions, and events 1057 and 1058.";
    case 4: return "The listener was given flags that contradict each other; a usual client never causes that.";
    case 5: return "The listener requires Network Level Authentication: the usual answer to a request without CredSSP.";
    case 6:
      return "The listener requires client certificates, which is very rare: look at what was configured on RDP-Tcp.";
    default: return "The listener refuses with a code that MS-RDPBCGR does not define: it may not be a Windows host.";
  }
}

std::string endpoint(const v1::ProbeReport& report) {
  const bool v6 = report.address().find(':') != std::string::npos;
  return fmt::format(fmt::runtime(v6 ? "[{}]:{}" : "{}:{}"), report.address(), report.port());
}

std::string tls_words(const v1::ProbeReport& report) {
  return fmt::format("{} with {} after the listener chose {}", report.tls_protocol(), report.tls_cipher(),
                     protocol_name(report.selected_protocol()));
}

std::string healthy_meaning(const v1::ProbeReport& report) {
  const auto& certificate = report.certificate();
  const auto now = report.started().seconds();
  if (certificate.has_not_after() && certificate.not_after().seconds() < now) {
    return "The listener answers, but its certificate has expired, so its renewal is failing: look at events 1057 and "
           "1058.";
  }
  if (certificate.has_not_before() && certificate.not_before().seconds() > now) {
    return "The listener answers, but its certificate is not valid yet: compare the clocks of both machines first.";
  }
  if (report.has_certificate() && !certificate.server_authentication()) {
    return "The listener answers, but its certificate is not meant for server authentication, which strict clients "
           "refuse.";
  }
  return "The listener can be reached and can use its private key; sign-in was not tried.";
}

}  // namespace

std::string detail_of(const v1::ProbeReport& report, std::string_view cause) {
  const auto to = endpoint(report);
  switch (report.outcome()) {
    case v1::PROBE_OUTCOME_OK: return fmt::format("{} completed {}.", to, tls_words(report));
    case v1::PROBE_OUTCOME_NAME_UNKNOWN: return with_cause(fmt::format("No address for '{}'", report.host()), cause);
    case v1::PROBE_OUTCOME_REFUSED: return with_cause("TCP connection to " + to + " was refused", cause);
    case v1::PROBE_OUTCOME_UNREACHABLE: return with_cause("No way to " + to, cause);
    case v1::PROBE_OUTCOME_CONNECT_TIMEOUT: return with_cause("TCP connection to " + to + " was not answered", cause);
    case v1::PROBE_OUTCOME_CLOSED_BEFORE_CONFIRM:
      return with_cause(to + " accepted the connection and closed it without a Connection Confirm", cause);
    case v1::PROBE_OUTCOME_SILENT:
      return with_cause(to + " accepted the connection and sent no complete answer", cause);
    case v1::PROBE_OUTCOME_NOT_RDP: return with_cause(to + " does not speak RDP", cause);
    case v1::PROBE_OUTCOME_NEGOTIATION_FAILURE:
      return fmt::format("{} refused protocols 0x{:X} with failure {} ({}).", to, report.requested_protocols(),
                         report.failure_code(), failure_name(report.failure_code()));
    case v1::PROBE_OUTCOME_STANDARD_RDP_SECURITY: return to + " offers standard RDP security only, no TLS.";
    case v1::PROBE_OUTCOME_TLS_ALERT: return with_cause(to + " ended the TLS handshake with an alert", cause);
    case v1::PROBE_OUTCOME_TLS_CLOSED: return with_cause(to + " closed the connection in the TLS handshake", cause);
    case v1::PROBE_OUTCOME_TLS_TIMEOUT: return with_cause(to + " did not finish the TLS handshake", cause);
    case v1::PROBE_OUTCOME_TLS_PROTOCOL: return with_cause(to + " broke the rules of TLS", cause);
    case v1::PROBE_OUTCOME_CANCELLED: return "The probe was stopped before it ended.";
    default: return with_cause("The probe could not run", cause);
  }
}

std::string meaning_of(const v1::ProbeReport& report) {
  switch (report.outcome()) {
    case v1::PROBE_OUTCOME_OK: return healthy_meaning(report);
    case v1::PROBE_OUTCOME_NAME_UNKNOWN: return "The host was never contacted: look at the name's spelling and at DNS.";
    case v1::PROBE_OUTCOME_REFUSED:
      return "Nothing listens on the port, or a firewall rejects: look at TermService, at whether Remote Desktop is "
             "allowed, and at the port.";
    case v1::PROBE_OUTCOME_UNREACHABLE:
      return "The network has no way to the host, which says nothing about RDP: look at the route and the host's "
             "network.";
    case v1::PROBE_OUTCOME_CONNECT_TIMEOUT:
      return "The port is filtered, the host is off, or its backlog is stuck: look at the firewall rules for Remote "
             "Desktop first.";
    case v1::PROBE_OUTCOME_CLOSED_BEFORE_CONFIRM:
      return "Typical of a listener without a usable certificate key; also of drain mode, a connection limit or a sick "
             "TermService: look at events 1057, 1058 and Schannel 36870.";
    case v1::PROBE_OUTCOME_SILENT:
      return "TermService accepts but does not work, so it probably hangs: look at its state and at what it waits for.";
    case v1::PROBE_OUTCOME_NOT_RDP:
      return "Something else owns the port, or answers in the host's place: look at which process listens there.";
    case v1::PROBE_OUTCOME_NEGOTIATION_FAILURE: return failure_meaning(report.failure_code());
    case v1::PROBE_OUTCOME_STANDARD_RDP_SECURITY:
      return "The listener does without TLS (SecurityLayer 0, or negotiation is disabled): look at SecurityLayer and "
             "fAllowSecProtocolNegotiation of RDP-Tcp.";
    case v1::PROBE_OUTCOME_TLS_ALERT:
      return "The listener found no common protocol or cipher, or cannot use its key: look at Schannel events 36871, "
             "36874 and 36888 and at the enabled TLS versions.";
    case v1::PROBE_OUTCOME_TLS_CLOSED:
      return "The listener gave up within TLS, often because it cannot use its private key: look at Schannel event "
             "36870 and at the key file's permissions.";
    case v1::PROBE_OUTCOME_TLS_TIMEOUT:
      return "The listener negotiates but does not finish TLS: look at LSASS, at the key's provider and at the load of "
             "the host.";
    case v1::PROBE_OUTCOME_TLS_PROTOCOL:
      return "What follows the negotiation is not proper TLS: look for something between here and the host that "
             "changes the stream.";
    case v1::PROBE_OUTCOME_CANCELLED: return "Nothing can be said about the host.";
    default: return "Nothing can be said about the host; the fault is on this side.";
  }
}

}  // namespace rdpmend
