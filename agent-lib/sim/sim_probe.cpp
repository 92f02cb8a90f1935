// What probe_rdp would report about the simulated listener, answered without sockets: for tests on a virtual clock.
#include "agent-lib/probe/meaning.hpp"
#include "agent-lib/probe/rdp_handshake.hpp"
#include "agent-lib/sim/consequences.hpp"
#include "agent-lib/sim/x224_server.hpp"

namespace rdpmend::sim {

namespace {

using namespace std::chrono_literals;

std::string_view address_of(Vantage from) {
  switch (from) {
    case Vantage::loopback: return "127.0.0.1";
    case Vantage::outside: return "127.0.0.2";
    case Vantage::own_address: break;
  }
  return "127.0.0.3";
}

void end(v1::ProbeReport& report, v1::ProbeStage stage, v1::ProbeOutcome outcome) {
  report.set_stage(stage);
  report.set_outcome(outcome);
}

void end_unreached(v1::ProbeReport& report, bool listening, Duration deadline) {
  end(report, v1::PROBE_STAGE_RESOLVED, listening ? v1::PROBE_OUTCOME_CONNECT_TIMEOUT : v1::PROBE_OUTCOME_REFUSED);
  if (listening) *report.mutable_elapsed() = to_proto_duration(deadline);
}

void end_served(v1::ProbeReport& report, const SimHost::ListenerView& view) {
  const auto answer = x224_server::negotiate(report.requested_protocols(), view.nla_required, view.tls_allowed);
  if (const auto* refused = std::get_if<x224_server::Refused>(&answer)) {
    report.set_failure_code(refused->failure_code);
    return end(report, v1::PROBE_STAGE_NEGOTIATED, v1::PROBE_OUTCOME_NEGOTIATION_FAILURE);
  }
  report.set_selected_protocol(std::get<x224_server::Selected>(answer).protocol);
  report.set_tls_protocol("TLSv1.3");
  report.set_tls_cipher("TLS_AES_256_GCM_SHA384");
  *report.mutable_certificate() = served_certificate(view.credential.certificate_der);
  end(report, v1::PROBE_STAGE_TLS, v1::PROBE_OUTCOME_OK);
}

void connect(World& world, Vantage from, v1::ProbeReport& report) {
  report.set_local_port(49152 + ++world.last_connection % 16384);
  const auto view = answer(world, from, {"127.0.0.1", static_cast<std::uint16_t>(report.local_port())});
  if (view.answer == SimHost::Answer::serve) return end_served(report, view);
  end(report, v1::PROBE_STAGE_CONNECTED, v1::PROBE_OUTCOME_CLOSED_BEFORE_CONFIRM);
}

}  // namespace

v1::ProbeReport probe_in_memory(World& world, Vantage from, Duration deadline) {
  v1::ProbeReport report;
  report.set_host(std::string(address_of(from)));
  report.set_address(report.host());
  report.set_port(dword_value(world, registry_key::k_rdp_tcp, "PortNumber").value_or(3389));
  report.set_requested_protocols(ProbeOptions{}.requested_protocols);
  *report.mutable_started() = to_proto(world.now());
  *report.mutable_elapsed() = to_proto_duration(3ms);
  if (reachable(world, from)) {
    connect(world, from, report);
  } else {
    end_unreached(report, world.listening_on != 0, deadline);
  }
  report.set_detail(detail_of(report, {}));
  report.set_meaning(meaning_of(report));
  return report;
}

}  // namespace rdpmend::sim
