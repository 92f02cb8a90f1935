#include "tests/cli/canned_answers.hpp"

namespace rdpmend::cli {

namespace {

constexpr std::int64_t k_noon = 1772366460;  // 2026-03-01 12:01:00 UTC

constexpr const char* k_diagnosis = R"(
  fault_id: "certificate_expired" subject: "RDP-Tcp"
  summary: "The listener certificate expired 2 days ago, and SessionEnv cannot read its key"
  evidence { what: "certificate 3F2A in store Remote Desktop" found: "not after 2026-02-27" expected: "30 days or more left"
             source: "store Remote Desktop" }
  evidence { what: "key file 7a4c_1b2d" found: "no entry for S-1-5-20" source: "DACL of RSA\\MachineKeys" }
  repairable: true
  found_at { seconds: 1772366465 })";

constexpr const char* k_health = R"(
  checks { name: "name" asks: "Does the host's name lead clients to it?" stage: STAGE_NAME fatal: true
           answer: ANSWER_UNKNOWN out_of_sight: true looked_at { seconds: 1772366460 }
           summary: "only a client can tell: run 'rdpmend probe RDP1 --report' on one"
           evidence { what: "computer name" found: "RDP1" source: "Windows" } }
  checks { name: "tcp" asks: "Does the listener's port accept connections?" stage: STAGE_TCP fatal: true
           answer: ANSWER_HEALTHY summary: "TCP port 3389 accepts connections" looked_at { seconds: 1772366460 }
           evidence { what: "a TCP connection to the host's own address" found: "accepted" expected: "accepted"
                      source: "probe 192.0.2.10:3389" } }
  checks { name: "firewall" asks: "Does the host's firewall let clients in?" stage: STAGE_FIREWALL fatal: true
           answer: ANSWER_UNKNOWN summary: "firewall_rule_disabled: cannot read the firewall's status: busy"
           fault_ids: "firewall_rule_disabled" looked_at { seconds: 1772366461 } }
  checks { name: "listener" asks: "Is Remote Desktop allowed, and does TermService listen?" stage: STAGE_LISTENER
           fatal: true answer: ANSWER_HEALTHY summary: "RDP-Tcp listens on TCP port 3389"
           looked_at { seconds: 1772366461 } }
  checks { name: "certificate" asks: "Is the listener's certificate valid, and can its key be used?"
           stage: STAGE_CERTIFICATE fatal: true answer: ANSWER_FAULTY
           summary: "The listener certificate expired 2 days ago, and SessionEnv cannot read its key"
           fault_ids: "certificate_expired" looked_at { seconds: 1772366461 }
           evidence { what: "certificate 3F2A, CN=<\"R&D\">" found: "not after 2026-02-27" expected: "valid now"
                      source: "store Remote Desktop" } }
  checks { name: "agent" asks: "Does rdpmend itself see and do what it should?" stage: STAGE_AGENT
           answer: ANSWER_HEALTHY summary: "rdpmend on RDP1 follows its event logs, and nothing of it is degraded"
           looked_at { seconds: 1772366461 } }
  answer: ANSWER_FAULTY looked_at { seconds: 1772366461 } host_name: "RDP1" open_incidents: 1)";

constexpr const char* k_selftest = R"(
  checks { area: "registry" what: "RDP-Tcp\\PortNumber" found: "3389" expected: "REG_DWORD, 1 to 65535"
             outcome: OUTCOME_AS_EXPECTED source: "rdp-host.md 2.2" }
  checks { area: "certificates" what: "access list of f686aace" found: "missing allow S-1-5-20 0x00120089"
             expected: "a plain file" outcome: OUTCOME_DIFFERENT source: "measured.md K2, build 20348" }
  checks { area: "certificates" what: "private key of the certificate" found: "access is denied" expected: "usable"
             outcome: OUTCOME_NOT_CHECKED source: "rdp-host.md 7.2" }
  checks { area: "registry" what: "RDP-Tcp\\SSLCertificateSHA1Hash" found: "no such value" expected: "REG_BINARY"
             outcome: OUTCOME_NOT_HERE source: "measured.md C9" })";

constexpr const char* k_plan = R"(
  id: "42/1" fault_id: "certificate_expired" subject: "RDP-Tcp"
  summary: "Give SessionEnv its key back, remove the expired certificate, let SessionEnv make a new one"
  reads: "clock: synchronised with dc1, offset 0.1 s"
  reads: "no Group Policy names a certificate"
  rungs {
    reason: "the least that can help"
    steps { number: 1 description: "grant S-1-5-20 read on key file 7a4c_1b2d" reason: "NETWORK SERVICE cannot read the key" }
    steps { number: 2 description: "remove certificate 3F2A from store Remote Desktop, having copied it out"
            reason: "SessionEnv makes a new one only if the old one is gone" }
    steps { number: 3 description: "restart service SessionEnv" reason: "it makes the certificate when it starts" }
  }
  rungs {
    reason: "only if the listener still serves the old certificate"
    steps { number: 4 description: "restart service TermService" reason: "it keeps the old certificate in memory"
            drops_sessions: true }
  })";

constexpr const char* k_signal = R"(
  kind: KIND_EVENT fault_ids: "certificate_expired" rule_id: "certificate_renewal_failed" channel: "System"
  provider: "Microsoft-Windows-TerminalServices-RemoteConnectionManager" event_id: 1058 event_record_id: 4711 count: 3)";

v1::StepRecord step_record(std::uint32_t number, v1::StepRecord::Phase phase) {
  v1::StepRecord record;
  record.set_step_number(number);
  record.set_phase(phase);
  return record;
}

v1::JournalEntry entry(std::uint64_t seq, std::uint64_t incident_id, const std::string& body) {
  auto out = from_text<v1::JournalEntry>(body);
  out.set_seq(seq);
  out.set_incident_id(incident_id);
  out.mutable_time()->set_seconds(k_noon + static_cast<std::int64_t>(seq) - 42);
  return out;
}

std::string message(const std::string& field, const std::string& body) {
  return field + " {" + body + "}";
}

// The story of incident 42.
std::vector<v1::JournalEntry> canned_journal() {
  const std::string plan = k_plan;
  return {
      entry(41, 0, message("signal_raised", message("signal", k_signal))),
      entry(42, 42, message("incident_opened", message("diagnosis", k_diagnosis))),
      entry(43, 42,
            R"(admin_action { client: "local-admin" peer: "127.0.0.1" method: "Repair" comment: "ticket 12" })"),
      entry(44, 42, message("plan_made", message("plan", plan))),
      entry(45, 42,
            "incident_state_changed { from: INCIDENT_STATE_OPEN to: INCIDENT_STATE_REPAIRING reason: \"mode auto\" }"),
      entry(46, 42, "repair_started { plan_id: \"42/1\" attempt: 1 snapshot {} snapshot {} snapshot {} }"),
      entry(47, 42, "rung_started { rung: 1 }"),
      entry(48, 42, "step_intended { step_number: 3 description: \"restart service SessionEnv\" }"),
      entry(49, 42, "step_done { step_number: 3 description: \"restart service SessionEnv\" }"),
      entry(50, 42,
            "verified { rung: 1 verdict { result: RESULT_REPAIRED summary: \"state, handshake and events agree\" } }"),
      entry(51, 42, "repair_ended { outcome: OUTCOME_REPAIRED }"),
      entry(52, 42, "incident_state_changed { from: INCIDENT_STATE_REPAIRING to: INCIDENT_STATE_REPAIRED }"),
  };
}

v1::DiagnoseResponse canned_diagnosis() {
  auto response = from_text<v1::DiagnoseResponse>(
      "findings { fault_id: \"clock_wrong\" outcome: OUTCOME_ABSENT }"
      "findings { fault_id: \"certificate_expired\" outcome: OUTCOME_PRESENT " +
      message("diagnosis", k_diagnosis) +
      "}"
      "findings { fault_id: \"firewall_rule_disabled\" outcome: OUTCOME_UNKNOWN detail: \"cannot read the firewall: "
      "busy\" }");
  *response.mutable_checks() = canned_health().checks();
  *response.mutable_loopback_probe() = good_probe();
  *response.mutable_own_address_probe() = failed_probe();
  return response;
}

v1::GetStatusResponse canned_status() {
  auto status = from_text<v1::GetStatusResponse>(R"(
    version: "0.1.0" host_name: "RDP1" host_kind: "rehearsal certificate-expired"
    now { seconds: 1772366520 } started { seconds: 1772352060 }
    open_incidents: 1 breaker_open: true degraded: "rule my_rule in site.textproto:3 is wrong and was left out"
    journal_first_seq: 1 journal_last_seq: 52 journal_bytes: 20480
    last_sweep { seconds: 1772366400 } rdp_address: "127.0.0.2:3389"
    client_name: "local-admin" client_role: "admin"
    channels { channel: "System" state: STATE_FOLLOWED last_read { seconds: 1772366500 } last_read_record: 812
               newest_record: 812 last_reopened { seconds: 1772362920 } times_reopened: 2 }
    channels { channel: "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational" state: STATE_BEHIND
               last_read { seconds: 1772366220 } last_read_record: 40 newest_record: 44 lag_records: 4 }
    channels { channel: "No-Such-Role/Operational" state: STATE_ABSENT })");
  *status.mutable_last_probe() = failed_probe();
  *status.add_incidents() = canned_incident();
  status.mutable_incidents(0)->set_state(v1::INCIDENT_STATE_REPAIRING);
  return status;
}

constexpr const char* k_loan = R"(
  id: 41 kind: KIND_NLA
  step { number: 1 description: "set RDP-Tcp\\UserAuthentication to 0 (was 1): whether clients must sign in first" }
  begun { seconds: 1772366460 } ends { seconds: 1772370060 } asked_by: "local-admin" why: "old terminal, ticket 1234")";

v1::ListFaultsResponse canned_faults() {
  return from_text<v1::ListFaultsResponse>(R"(
    faults {
      info { id: "clock_wrong" title: "The host's clock is wrong" description: "A wrong clock makes good certificates look bad."
             stage: STAGE_TLS risk: RISK_NONE default_mode: FAULT_MODE_OBSERVE }
      mode: FAULT_MODE_OBSERVE
    }
    faults {
      info { id: "certificate_expired" title: "The listener certificate is expired, missing or no longer renewed"
             description: "SessionEnv makes the certificate and renews it. When it cannot, clients are refused."
             stage: STAGE_TLS risk: RISK_SESSION_NEUTRAL masked_by: "clock_wrong" default_mode: FAULT_MODE_AUTO }
      mode: FAULT_MODE_PROPOSE
      rules { id: "certificate_renewal_failed" why: "SessionEnv could not replace or create the certificate."
              channel: "System" provider: "Microsoft-Windows-TerminalServices-RemoteConnectionManager" event_ids: [1057, 1058] }
    })");
}

v1::PlanRepairResponse canned_plan() {
  v1::PlanRepairResponse response;
  auto& dry_run = *response.add_dry_runs();
  *dry_run.mutable_diagnosis() = from_text<v1::Diagnosis>(k_diagnosis);
  *dry_run.mutable_plan() = from_text<v1::Plan>(k_plan);
  return response;
}

}  // namespace

v1::ProbeReport good_probe() {
  return from_text<v1::ProbeReport>(R"(
    host: "127.0.0.1" port: 3389 address: "127.0.0.1" local_port: 50000 started { seconds: 1772366460 }
    elapsed { nanos: 12000000 } stage: PROBE_STAGE_TLS outcome: PROBE_OUTCOME_OK
    detail: "The TLS handshake is done." meaning: "The listener can use its key: clients come as far as logging on."
    requested_protocols: 11 selected_protocol: 2 tls_protocol: "TLSv1.3" tls_cipher: "TLS_AES_256_GCM_SHA384"
    certificate { sha1: "1DFAC0D5F7573BF536DAAD08198AED9CDD89A450"
                  sha256: "A3F1C0D5F7573BF536DAAD08198AED9CDD89A4501DFAC0D5F7573BF536DAAD08"
                  subject: "CN=RDP1" issuer: "CN=RDP1" not_before { seconds: 1771934460 } not_after { seconds: 1787745660 }
                  server_authentication: true })");
}

v1::ProbeReport failed_probe() {
  return from_text<v1::ProbeReport>(R"(
    host: "127.0.0.2" port: 3389 address: "127.0.0.2" local_port: 50001 started { seconds: 1772366490 }
    elapsed { nanos: 4000000 } stage: PROBE_STAGE_CONNECTED outcome: PROBE_OUTCOME_CLOSED_BEFORE_CONFIRM
    detail: "The listener closed the connection without a Connection Confirm."
    meaning: "The listener has no usable certificate: look at its key, its dates, and events 1057 and 1058."
    requested_protocols: 11)");
}

v1::Incident canned_incident() {
  v1::Incident incident;
  incident.set_id(42);
  incident.set_state(v1::INCIDENT_STATE_REPAIRED);
  incident.set_reason("verified");
  *incident.mutable_diagnosis() = from_text<v1::Diagnosis>(k_diagnosis);
  *incident.mutable_first_signal() = from_text<v1::Signal>(k_signal);
  incident.mutable_last_signal()->set_kind(v1::Signal::KIND_SCHEDULE);
  incident.set_signal_count(4);
  incident.mutable_opened()->set_seconds(k_noon);
  incident.mutable_updated()->set_seconds(k_noon + 9);
  incident.mutable_closed()->set_seconds(k_noon + 9);
  incident.set_attempts(1);
  auto& repair = *incident.mutable_repair();
  *repair.mutable_plan() = from_text<v1::Plan>(k_plan);
  repair.set_rung(1);
  for (std::uint32_t step = 1; step <= 3; ++step) *repair.add_steps() = step_record(step, v1::StepRecord::PHASE_DONE);
  repair.mutable_verdict()->set_result(v1::Verdict::RESULT_REPAIRED);
  repair.mutable_verdict()->set_summary("state, handshake and events agree");
  repair.mutable_started()->set_seconds(k_noon + 3);
  repair.mutable_ended()->set_seconds(k_noon + 8);
  incident.set_first_seq(42);
  incident.set_last_seq(52);
  return incident;
}

v1::GetHealthResponse canned_health() {
  return from_text<v1::GetHealthResponse>(k_health);
}

Answers canned_answers() {
  Answers answers;
  answers.status = canned_status();
  answers.diagnosis = canned_diagnosis();
  answers.healths = {canned_health()};
  answers.selftest = from_text<v1::SelfTestResponse>(k_selftest);
  answers.faults = canned_faults();
  auto older = canned_incident();
  older.set_id(7);
  older.set_state(v1::INCIDENT_STATE_DISMISSED);
  answers.incident_pages.resize(2);
  *answers.incident_pages[0].add_incidents() = canned_incident();
  *answers.incident_pages[1].add_incidents() = older;
  answers.incident = canned_incident();
  answers.plan = canned_plan();
  answers.loan = from_text<v1::Loan>(k_loan);
  answers.journal = canned_journal();
  return answers;
}

std::vector<v1::JournalEntry> one_entry_of_each_kind() {
  const std::vector<std::string> bodies{
      R"(service_started { version: "0.1.0" host_name: "RDP1" host_kind: "windows" degraded: "a bad rule" })",
      R"(service_stopped { reason: "SIGTERM" })",
      message("signal_raised", message("signal", k_signal)),
      R"(event_gap { channel: "System" reason: "the log was cleared" })",
      message("incident_opened", message("diagnosis", k_diagnosis)),
      message("incident_updated", message("diagnosis", k_diagnosis)),
      R"(incident_state_changed { from: INCIDENT_STATE_OPEN to: INCIDENT_STATE_AWAITING_APPROVAL reason: "mode propose" })",
      message("plan_made", message("plan", k_plan)),
      R"(repair_started { plan_id: "42/1" attempt: 1 snapshot {} snapshot {} })",
      R"(rung_started { rung: 2 approved_by: "local-admin" })",
      R"(step_intended { step_number: 1 description: "grant S-1-5-20 read on key file 7a4c_1b2d" })",
      R"(step_done { step_number: 1 description: "grant S-1-5-20 read on key file 7a4c_1b2d" })",
      R"(step_failed { step_number: 2 cause: CAUSE_CONFLICT error: "the certificate is not there any more" })",
      R"(step_undone { step_number: 1 description: "grant S-1-5-20 read on key file 7a4c_1b2d" })",
      R"(step_undo_blocked { step_number: 1 reason: "somebody changed the file" })",
      R"(verified { rung: 1 verdict { result: RESULT_NOT_REPAIRED summary: "the outside probe is still closed" } })",
      R"(repair_ended { outcome: OUTCOME_ROLLBACK_BLOCKED reason: "step 1" })",
      R"(admin_action { client: "local-admin" peer: "192.0.2.7" method: "Approve" request_id: "1" comment: "ticket 12" })",
      R"(internal_error { where: "engine" what: "no such fact" })",
      R"(checkpoint { incidents {} })",
      R"(pruned { first_seq: 1 last_seq: 9 })",
      R"(outside_probe { client: "helpdesk" peer: "192.0.2.10" report { outcome: PROBE_OUTCOME_OK detail: "TLS done." } })",
      R"(channel_reopened { channel: "System" reason: "newer records are there" last_read_record: 7 newest_record: 9 })",
      R"(connection_limited { client: "helpdesk" peer: "192.0.2.10" reason: "too many requests" count: 3 })",
      R"(service_trouble { part: "rpc" what: "cannot listen on 192.0.2.1:3392: the port is in use" })",
      R"(look_failed { reason: "cannot read the firewall: access is denied" })",
      R"(baseline_taken { baseline { services {} services {} settings {} enabled_firewall_rules: "RemoteDesktop-UserMode-In-TCP" } })",
      message("loan_begun", message("loan", k_loan)),
      R"(loan_rescheduled { loan_id: 41 ends { seconds: 1772370060 } asked_by: "helpdesk" why: "one more hour" })",
      R"(loan_overdue { loan_id: 41 error: "access is denied" })",
      R"(loan_ended { loan_id: 41 outcome: OUTCOME_RETURNED reason: "its time is over: put back" })",
      R"(loan_ended { loan_id: 41 outcome: OUTCOME_BLOCKED reason: "somebody else has changed it" })",
  };
  std::vector<v1::JournalEntry> entries;
  for (const auto& body : bodies) entries.push_back(entry(42 + entries.size(), entries.size() < 4 ? 0 : 46, body));
  for (auto& entry : entries) {
    if (entry.seq() >= 42 + 24) entry.set_incident_id(0);  // From service_trouble on: about the host.
    if (entry.has_look_failed()) entry.set_fault_id("firewall_rule_disabled");
  }
  return entries;
}

}  // namespace rdpmend::cli
