// The listener's self-signed certificate is expired, missing or no longer renewed, and SessionEnv, whose job it is,
// cannot make a new one. We give SessionEnv what it lacks and let it do its job; we never make a certificate ourselves.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent-lib/events/event_xml.hpp"
#include "agent-lib/faults/evidence.hpp"
#include "agent-lib/faults/listener_certificate.hpp"
#include "agent-lib/steps/service_state.hpp"

namespace rdpmend::faults {

namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using Origin = ListenerCertificate::Origin;

// SessionEnv renews when fewer than 30 days are left, in a pass at its start and every 12 h. After a pass, fewer mean
// that renewal fails: weeks of warning before the first user notices.
constexpr Duration k_renewal_threshold = days{30};
constexpr Duration k_renewal_pass = 12h;
constexpr Duration k_probe_deadline = 5s;
constexpr Duration k_clock_tolerance = 10min;
constexpr Duration k_ask_again = 1s;
constexpr Duration k_give_up_on_serving = 20s;  // A running TermService may go on serving the old certificate.

constexpr std::string_view k_provider = "Microsoft-Windows-TerminalServices-RemoteConnectionManager";
constexpr std::uint32_t k_created = 1056;
constexpr std::uint32_t k_create_failed = 1057;
constexpr std::uint32_t k_replace_failed = 1058;

struct Companion {
  std::string_view service;
  v1::ServiceStartType stock;
};
// What making the certificate needs besides SessionEnv itself.
constexpr std::array<Companion, 4> k_companions{{{service_name::k_session_env, v1::SERVICE_START_TYPE_MANUAL},
                                                 {"CertPropSvc", v1::SERVICE_START_TYPE_MANUAL},
                                                 {"KeyIso", v1::SERVICE_START_TYPE_MANUAL},
                                                 {"CryptSvc", v1::SERVICE_START_TYPE_AUTO}}};

Result<std::vector<EventRecord>> read_events(const HostView& host, std::vector<std::uint32_t> ids, WallTime since) {
  auto found = host.events.look_up({"System", std::string(k_provider), std::move(ids), since, 16});
  if (!found) return fail(std::move(found).error());
  std::vector<EventRecord> events;
  for (const auto& xml : *found) {
    if (auto event = parse_event(xml)) events.push_back(std::move(*event));
  }
  return events;
}

Result<std::vector<Companion>> disabled_companions(const HostView& host) {
  std::vector<Companion> disabled;
  for (const auto& companion : k_companions) {
    const auto info = host.services.find(companion.service);
    if (!info) return fail(info.error());
    if (*info && (*info)->start_type == v1::SERVICE_START_TYPE_DISABLED) disabled.push_back(companion);
  }
  return disabled;
}

// Whether SessionEnv had time for a renewal pass. A restart that nobody saw does not matter: a pass comes with each
// start.
bool pass_has_run(const HostView& host) {
  const auto info = host.services.find(service_name::k_session_env);
  return info && *info && (*info)->running_for && *(*info)->running_for >= k_renewal_pass;
}

// A certificate without its key is as good as none. No access to a key that is there is another matter, and so is one
// of which nothing certain is known. nullopt: it is not lost.
std::optional<std::string> how_key_is_lost(const HostView& host, const ListenerCertificate& listener) {
  const auto use = host.certificates.key_use(listener.store, listener.sha1);
  if (use == KeyUse::missing) return "its private key is missing";
  if (use == KeyUse::mismatch) return "its private key belongs to another certificate";
  if (use == KeyUse::corrupt) return "its private key is damaged";
  return std::nullopt;
}

// What is wrong with the certificate, in words; nullopt: nothing.
std::optional<std::string> problem_with(const HostView& host, const ListenerCertificate& listener) {
  if (listener.sha1.empty()) return "no certificate is registered";
  if (!listener.certificate) return "the registered certificate is not in the store";
  const auto now = host.clock.now();
  const auto& certificate = *listener.certificate;
  if (certificate.not_before > now) return fmt::format("not valid before {}", to_iso8601(certificate.not_before));
  if (certificate.not_after <= now) return fmt::format("expired {} ago", to_human(now - certificate.not_after));
  if (auto lost = how_key_is_lost(host, listener)) return lost;
  const auto left = certificate.not_after - now;
  if (listener.origin == Origin::self_signed && left < k_renewal_threshold && pass_has_run(host)) {
    return fmt::format("not renewed: it expires in {}", to_human(left));
  }
  return std::nullopt;
}

std::string advice_for(Origin origin) {
  if (origin == Origin::bound) {
    return "The listener is bound to a certificate of its own (RDP-Tcp\\SSLCertificateSHA1Hash). Renew it with its CA "
           "and "
           "bind the new one, or remove the binding so that Windows uses its self-signed certificate.";
  }
  return "Group Policy names a certificate template for the listener. Check that the CA can be reached and that the "
         "template lets this computer enrol; the policy is not fought here.";
}

class CertificateExpired final : public Fault {
 public:
  std::string_view id() const override { return "certificate_expired"; }

  Result<std::optional<v1::Diagnosis>> detect(const HostView& host, const v1::Signal&) const override {
    const auto allowed = remote_desktop_allowed(host);
    if (!allowed) return fail(allowed.error());
    if (!*allowed) return std::nullopt;
    const auto listener = read_listener_certificate(host);
    if (!listener) return fail(listener.error());
    const auto problem = problem_with(host, *listener);
    if (!problem) return std::nullopt;

    v1::Diagnosis diagnosis;
    diagnosis.set_subject("RDP-Tcp");
    diagnosis.set_summary(fmt::format("The RDP listener's certificate: {}", *problem));
    (*diagnosis.mutable_facts())["thumbprint"] = listener->sha1;
    add_certificate_evidence(diagnosis, *listener, *problem);
    if (listener->origin != Origin::self_signed) {
      diagnosis.set_advice(advice_for(listener->origin));
      return diagnosis;
    }
    if (auto added = add_cause_evidence(host, diagnosis); !added) return fail(added.error());
    if (auto report = host.listener.probe(ProbeFrom::own_address, k_probe_deadline)) {
      add_probe_evidence(*diagnosis.mutable_evidence(), *report);
    }
    diagnosis.set_repairable(diagnosis.advice().empty());
    return diagnosis;
  }

  Result<v1::Plan> plan(const HostView& host, const v1::Diagnosis& diagnosis) const override {
    v1::Plan plan;
    plan.set_summary("Give SessionEnv what it needs, take the unusable certificate away, and let it make a new one");
    if (!diagnosis.repairable()) {
      plan.set_advice(diagnosis.advice());
      return plan;
    }
    if (auto checked = check_clock(host, plan); !checked) return fail(checked.error());
    if (!plan.advice().empty()) return plan;

    auto& rung = *plan.add_rungs();
    rung.set_reason("The least that can help; nobody is disconnected.");
    if (auto added = add_key_access(host, plan, rung); !added) return fail(added.error());
    if (auto added = add_start_types(host, plan, rung); !added) return fail(added.error());
    if (auto added = add_removal(host, diagnosis, plan, rung); !added) return fail(added.error());
    auto& restart = *rung.add_steps();
    restart.set_reason("SessionEnv makes the listener's certificate when it starts.");
    restart.mutable_restart_service()->set_service(std::string(service_name::k_session_env));
    return add_term_service_rung(host, std::move(plan));
  }

  Result<v1::Verdict> verify(const HostView& host, const v1::Diagnosis& diagnosis, WallTime since) const override {
    const auto failures = read_events(host, {k_create_failed, k_replace_failed}, since + 1ns);
    if (failures && !failures->empty()) {
      const auto& event = failures->front();
      auto result = verdict(v1::Verdict::RESULT_NOT_REPAIRED,
                            fmt::format("SessionEnv failed again: event {} #{}", event.event_id, event.record_id));
      if (const auto status = event.positional(1)) {
        add_evidence(*result.mutable_evidence(), fmt::format("event {}", event.event_id), *status, "none", "System");
      }
      return result;
    }
    const auto listener = read_listener_certificate(host);
    if (!listener) return fail(listener.error());
    if (listener->sha1 == diagnosis.facts().at("thumbprint") || problem_with(host, *listener)) {
      return ask_again("SessionEnv has not registered a new certificate yet", k_ask_again);
    }
    const auto key_files = read_rdp_key_files(host);
    if (!key_files) return fail(key_files.error());
    return prove(host, *listener, *key_files, since);
  }

 private:
  static void add_certificate_evidence(v1::Diagnosis& diagnosis, const ListenerCertificate& listener,
                                       const std::string& problem) {
    auto& evidence = *diagnosis.mutable_evidence();
    if (!listener.certificate) {
      add_evidence(evidence, fmt::format("listener certificate in store {}", listener.store), problem,
                   "a valid certificate", listener.source);
      return;
    }
    add_evidence(evidence, fmt::format("listener certificate {} ({})", listener.sha1, listener.certificate->subject),
                 fmt::format("{}: valid from {} to {}", problem, to_iso8601(listener.certificate->not_before),
                             to_iso8601(listener.certificate->not_after)),
                 "valid, renewed by SessionEnv 30 days before its end", listener.source);
  }

  // Why SessionEnv cannot renew it. What we may not change ends up in the advice.
  static Status add_cause_evidence(const HostView& host, v1::Diagnosis& diagnosis) {
    auto& evidence = *diagnosis.mutable_evidence();
    const auto key_files = read_rdp_key_files(host);
    if (!key_files) return fail(key_files.error());
    for (const auto& key : *key_files) {
      const auto what = fmt::format("key file of {} ({})", key.container, key.file);
      for (const auto& ace : key.missing) {
        add_evidence(evidence, what,
                     fmt::format("no {} access for {}", ace.mask() == k_file_all_access ? "full" : "read", ace.sid()),
                     "SYSTEM (S-1-5-18) full, NETWORK SERVICE (S-1-5-20) read", "its access list");
      }
      if (!key.denied_sid.empty()) {
        add_evidence(evidence, what, fmt::format("an entry denies access to {}", key.denied_sid), "none",
                     "its access list");
        diagnosis.set_advice(fmt::format(
            "An entry in the access list of {} denies {}. Somebody put it there on purpose: remove it by hand.",
            key.file, key.denied_sid));
      }
      if (!key.unknown.empty()) {
        add_evidence(evidence, what, key.unknown, "SYSTEM (S-1-5-18) full, NETWORK SERVICE (S-1-5-20) read",
                     "its access list");
        diagnosis.set_advice(fmt::format(
            "{}. As an administrator take ownership of Crypto\\{}\\{} (takeown /f), find out who changed it, and leave "
            "plain entries: SYSTEM full, Administrators full, NETWORK SERVICE read.",
            key.unknown, k_machine_keys_folder, key.file));
      }
      if (!key.state.plain) {
        add_evidence(evidence, what, "a link", "a plain file", "the file system");
        diagnosis.set_advice(
            fmt::format("{} is a link, which may have been planted. Look into it before anything else.", key.file));
      }
    }
    const auto disabled = disabled_companions(host);
    if (!disabled) return fail(disabled.error());
    for (const auto& companion : *disabled) {
      add_evidence(evidence, fmt::format("service {}", companion.service), "Disabled",
                   std::string(to_string(companion.stock)), "service configuration");
    }
    const auto store = read_text(host.registry, registry_key::k_win_stations, "SelfSignedCertStore");
    if (!store) return fail(store.error());
    if (!*store || **store != k_remote_desktop_store) {
      add_evidence(evidence, "WinStations\\SelfSignedCertStore", *store ? **store : "absent", "Remote Desktop",
                   "registry");
      diagnosis.set_advice(
          "WinStations\\SelfSignedCertStore must be the text \"Remote Desktop\"; without it Windows cannot keep the "
          "certificate.");
    }
    return add_event_evidence(host, diagnosis);
  }

  static Status add_event_evidence(const HostView& host, v1::Diagnosis& diagnosis) {
    const auto events = read_events(host, {k_create_failed, k_replace_failed}, host.clock.now() - days{1});
    if (!events || events->empty()) return {};  // A log that cannot be read is no reason not to diagnose.
    const auto& newest = events->front();
    add_evidence(*diagnosis.mutable_evidence(), fmt::format("event {}", newest.event_id),
                 newest.event_id == k_replace_failed ? "SessionEnv could not replace the certificate"
                                                     : "SessionEnv could not create a certificate",
                 "none",
                 fmt::format("System #{}{}", newest.record_id, newest.time ? " at " + to_iso8601(*newest.time) : ""));
    return {};
  }

  static Status check_clock(const HostView& host, v1::Plan& plan) {
    const auto reference = host.clock.reference();
    if (!reference) return fail(reference.error());
    if (!*reference) {
      plan.add_reads("clock: no reference answers; the certificate's dates are taken at face value");
      return {};
    }
    const auto offset = (*reference)->offset;
    if (offset > k_clock_tolerance || offset < -k_clock_tolerance) {
      plan.set_advice(fmt::format("The clock is off by {} against {}. Set it right first.", to_human(offset),
                                  (*reference)->source));
    } else {
      plan.add_reads(fmt::format("clock: agrees with {} within {}", (*reference)->source, to_human(k_clock_tolerance)));
    }
    return {};
  }

  static Status add_key_access(const HostView& host, v1::Plan& plan, v1::Rung& rung) {
    const auto key_files = read_rdp_key_files(host);
    if (!key_files) return fail(key_files.error());
    for (const auto& key : *key_files) {
      if (!key.unknown.empty()) continue;  // The diagnosis says what to do.
      if (key.missing.empty()) {
        plan.add_reads(fmt::format("access to the key file of {}: as it must be", key.container));
        continue;
      }
      auto& step = *rung.add_steps();
      step.set_reason(
          "SessionEnv cannot replace a key that SYSTEM cannot open, and TermService (NETWORK SERVICE) cannot use one "
          "that it cannot read.");
      auto& grant = *step.mutable_grant_key_file_access();
      grant.set_folder(std::string(k_machine_keys_folder));
      grant.set_file(key.file);
      for (const auto& ace : key.missing) *grant.add_missing() = ace;
    }
    return {};
  }

  static Status add_start_types(const HostView& host, v1::Plan& plan, v1::Rung& rung) {
    const auto disabled = disabled_companions(host);
    if (!disabled) return fail(disabled.error());
    if (disabled->empty()) plan.add_reads("SessionEnv, CertPropSvc, KeyIso, CryptSvc: none is disabled");
    for (const auto& companion : *disabled) {
      auto& step = *rung.add_steps();
      step.set_reason("A disabled service cannot start, and without it no certificate can be made.");
      step.mutable_set_service_start_type()->set_service(std::string(companion.service));
      step.mutable_set_service_start_type()->set_start_type(companion.stock);
    }
    return {};
  }

  static Status add_removal(const HostView& host, const v1::Diagnosis& diagnosis, v1::Plan& plan, v1::Rung& rung) {
    const auto listener = read_listener_certificate(host);
    if (!listener) return fail(listener.error());
    if (!listener->certificate || listener->sha1 != diagnosis.facts().at("thumbprint")) {
      plan.add_reads("store Remote Desktop: there is no certificate to take away");
      return {};
    }
    auto& step = *rung.add_steps();
    step.set_reason(
        "SessionEnv makes a new certificate when the registered one is missing. Only this entry, and never its key.");
    step.mutable_remove_certificate()->set_store(listener->store);
    step.mutable_remove_certificate()->set_sha1(listener->sha1);
    return {};
  }

  // Nothing is restarted into a replaced termsrv.dll: that is what RDP wrappers and hijackers change.
  static Result<v1::Plan> add_term_service_rung(const HostView& host, v1::Plan plan) {
    const auto dll = read_text(host.registry, registry_key::k_term_service_parameters, "ServiceDll");
    if (!dll) return fail(dll.error());
    std::string lower = *dll ? **dll : "";
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (lower != "%systemroot%\\system32\\termsrv.dll") {
      plan.clear_rungs();
      plan.set_advice(
          fmt::format("TermService's ServiceDll is \"{}\", not %SystemRoot%\\System32\\termsrv.dll: it may have been "
                      "tampered with. "
                      "Nothing is repaired or restarted until that is explained.",
                      *dll ? **dll : ""));
      return plan;
    }
    auto& rung = *plan.add_rungs();
    rung.set_reason("Only if the listener still serves the old certificate: it disconnects everybody.");
    auto& step = *rung.add_steps();
    step.set_reason("TermService loads the certificate when it starts.");
    step.mutable_restart_service()->set_service(std::string(service_name::k_term_service));
    return plan;
  }

  // State says healthy: now the handshake, from outside in.
  static Result<v1::Verdict> prove(const HostView& host, const ListenerCertificate& listener,
                                   const std::vector<RdpKeyFile>& key_files, WallTime since) {
    for (const auto& key : key_files) {
      if (key.container == listener.certificate->key_container && !key.missing.empty()) {
        return ask_again(fmt::format("the new key file of {} has no complete access list yet", key.container),
                         k_ask_again);
      }
    }
    auto report = host.listener.probe(ProbeFrom::own_address, k_probe_deadline);
    if (!report) return fail(report.error());
    std::string by_way_of = "from outside in";
    if (report->stage() < v1::PROBE_STAGE_CONNECTED) {
      // Something else keeps clients out before the certificate matters; that is not this fault.
      auto inside = host.listener.probe(ProbeFrom::loopback, k_probe_deadline);
      if (inside && inside->outcome() == v1::PROBE_OUTCOME_OK) {
        by_way_of = fmt::format("over loopback (from outside: {})", report->detail());
        report = std::move(inside);
      }
    }
    const bool proven = report->outcome() == v1::PROBE_OUTCOME_OK && report->certificate().sha1() == listener.sha1;
    auto result = proven ? verdict(v1::Verdict::RESULT_REPAIRED,
                                   fmt::format("the listener serves the new certificate {} until {}, proved {}",
                                               listener.sha1, to_iso8601(listener.certificate->not_after), by_way_of))
                         : not_served(host, *report, listener, since);
    add_evidence(*result.mutable_evidence(), "registered certificate", listener.sha1, "a new, valid one",
                 listener.source);
    add_probe_evidence(*result.mutable_evidence(), *report);
    add_created_event(host, result, listener.sha1);
    *result.mutable_probe() = std::move(*report);
    return result;
  }

  static v1::Verdict not_served(const HostView& host, const v1::ProbeReport& report,
                                const ListenerCertificate& listener, WallTime since) {
    const auto text =
        fmt::format("certificate {} is registered, but the probe says: {}", listener.sha1, probe_summary(report));
    if (host.clock.now() - since <= k_give_up_on_serving) return ask_again(text, k_ask_again);
    auto result = verdict(v1::Verdict::RESULT_NOT_REPAIRED, text);
    result.set_next_rung_may_help(report.outcome() == v1::PROBE_OUTCOME_OK ||
                                  report.outcome() == v1::PROBE_OUTCOME_CLOSED_BEFORE_CONFIRM);
    return result;
  }

  // A thumbprint is made once, so the time does not matter: the event may be older than the end of the last step.
  static void add_created_event(const HostView& host, v1::Verdict& result, const std::string& sha1) {
    const auto created = read_events(host, {k_created}, {});
    if (!created) return;
    const auto found =
        std::find_if(created->begin(), created->end(), [&](const EventRecord& event) { return event.binary == sha1; });
    add_evidence(*result.mutable_evidence(), "event 1056 (certificate made)",
                 found == created->end() ? "not seen" : fmt::format("System #{}", found->record_id),
                 "for the new certificate", "System");
  }
};

}  // namespace

std::unique_ptr<Fault> make_certificate_expired();
std::unique_ptr<Fault> make_certificate_expired() {
  return std::make_unique<CertificateExpired>();
}

}  // namespace rdpmend::faults
