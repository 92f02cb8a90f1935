// The host demands Network Level Authentication (NLA), and it comes to none: the host gives none itself, or a client
// does not offer it. Report only: the cure is the client's, or to demand TLS again; that NLA is relaxed is an
// administrator's order with an end (engine/loans), and while that runs nothing is demanded.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>

#include "agent-lib/faults/kit/case.hpp"
#include "agent-lib/faults/kit/evidence.hpp"

namespace rdpmend::faults::sign_in {

namespace {

using namespace std::chrono_literals;

constexpr Duration k_told_lately = 24h;

// MS-RDPBCGR 2.2.1.1.1 and 2.2.1.2.2.
constexpr std::uint32_t k_hybrid = 0x2, k_hybrid_ex = 0x8;
constexpr std::uint32_t k_ssl_not_allowed_by_server = 2, k_hybrid_required_by_server = 5;

struct Value {
  std::uint32_t number = 0;
  std::string_view source;
};

// Group Policy goes before the local value (TerminalServer.admx). nullopt: neither is there, and Windows has a default
// that nobody has measured (measured.md L6).
std::optional<Value> in_force(const Look& look, std::string_view name) {
  if (const auto policy = need(read_dword(look.host.registry, registry_key::k_policy, name)))
    return Value{*policy, "Group Policy"};
  if (const auto local = need(read_dword(look.host.registry, registry_key::k_rdp_tcp, name)))
    return Value{*local, "registry"};
  return std::nullopt;
}

// A client that offers NLA, as every newer one does, is answered that there is no TLS, which NLA needs.
bool gives_none(const v1::ProbeReport& report) {
  if (report.outcome() == v1::PROBE_OUTCOME_STANDARD_RDP_SECURITY) return true;
  if (report.has_failure_code()) return report.failure_code() == k_ssl_not_allowed_by_server;
  return report.has_selected_protocol() && report.selected_protocol() != k_hybrid &&
         report.selected_protocol() != k_hybrid_ex;
}

// Asked only where the settings contradict each other; what the listener does then decides.
std::optional<Case> host_gives_none(const Look& look, const Value& demanded) {
  const auto layer = in_force(look, "SecurityLayer");
  const auto negotiation = in_force(look, "fAllowSecProtocolNegotiation");
  const bool no_tls = layer && layer->number == 0;
  const bool no_negotiation = negotiation && negotiation->number == 0;
  if (!no_tls && !no_negotiation) return std::nullopt;
  const auto report = need(look.host.listener.probe(ProbeFrom::own_address, k_probe_deadline));
  if (!gives_none(report)) return std::nullopt;
  Case found("RDP-Tcp", "The host demands Network Level Authentication and cannot give it");
  found.saw("UserAuthentication", std::to_string(demanded.number), "", demanded.source);
  if (no_tls) found.saw("SecurityLayer", "0: no TLS, which NLA needs", "2", layer->source);
  if (no_negotiation)
    found.saw("fAllowSecProtocolNegotiation", "0: neither TLS nor NLA is negotiated", "1", negotiation->source);
  found.noted(report).advises(
      "Demand TLS again: set SecurityLayer to 2 and fAllowSecProtocolNegotiation to 1, in the Group Policy if it is "
      "one that "
      "says otherwise. Do not switch NLA off instead: clients would be left without TLS.");
  return found;
}

// Told by a client, with a name, that was refused because it offers less than the host demands.
std::optional<Case> client_offers_none(const Look& look, const Value& demanded) {
  if (!look.known.outside_probe) return std::nullopt;
  const auto& told = *look.known.outside_probe;
  const auto& report = told.report();
  if (report.failure_code() != k_hybrid_required_by_server) return std::nullopt;
  if (look.host.clock.now() - from_proto(told.received()) > k_told_lately) return std::nullopt;
  return Case("client " + told.peer(),
              fmt::format("The client at {} does not offer Network Level Authentication, which the host demands",
                          told.peer()))
      .saw("UserAuthentication", std::to_string(demanded.number), "1: the host is right", demanded.source)
      .saw("answer to the client at " + told.peer(), "failure 5, HYBRID_REQUIRED_BY_SERVER", "",
           fmt::format("rdpmend probe --report by {}", told.client()))
      .saw("protocols that it asked for", fmt::format("{:#x}", report.requested_protocols()),
           "CredSSP (0x2) among them", "RDP_NEG_REQ")
      .advises(
          "Cure the client: switch Network Level Authentication (CredSSP) on in the connecting program, bring it up to "
          "date, or take another one; disconnect code 0x207 says the same there. Only if none of that can be done in "
          "time, an administrator can relax it with an end: rdpmend relax nla --for 1h --reason WHY.");
}

class NlaMismatch final : public Fault {
 public:
  std::string_view id() const override { return "nla_mismatch"; }

  std::vector<v1::Diagnosis> detect(const Look& look) const override {
    if (look.known.lends(v1::Loan::KIND_NLA)) return {};
    const auto demanded = in_force(look, "UserAuthentication");
    if (!demanded || demanded->number != 1) return {};
    std::vector<v1::Diagnosis> found;
    if (auto host = host_gives_none(look, *demanded)) found.push_back(std::move(*host));
    if (auto client = client_offers_none(look, *demanded)) found.push_back(std::move(*client));
    return found;
  }
};

}  // namespace

std::unique_ptr<Fault> make_nla_mismatch() {
  return std::make_unique<NlaMismatch>();
}

}  // namespace rdpmend::faults::sign_in
