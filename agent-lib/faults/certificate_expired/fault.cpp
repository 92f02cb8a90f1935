// The listener's self-signed certificate is expired, missing, without its key, or one whose renewal fails, and
// SessionEnv, whose job it is, cannot make a new one. We give SessionEnv what it lacks and let it do its job; we never
// make a certificate ourselves, and take a dead one away only when that has not helped.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "agent-lib/faults/evidence.hpp"
#include "agent-lib/faults/listener_certificate.hpp"
#include "agent-lib/steps/service_state.hpp"

namespace rdpmend::faults {

namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using Origin = ListenerCertificate::Origin;

constexpr Duration k_renewal_warning = days{30};  // Few days left are no fault (measured.md C10); a failing renewal is.
constexpr Duration k_time_to_make = 30s;          // A missing one is back within seconds of SessionEnv's start (C1).
constexpr Duration k_give_up_on_making = 20s;
constexpr Duration k_clock_settles = 10min;  // After a start, until Windows Time has had its chance.
constexpr Duration k_clock_tolerance = 10min;

constexpr std::uint32_t k_created = 1056;
constexpr std::uint32_t k_create_failed = 1057;
constexpr std::uint32_t k_replace_failed = 1058;

constexpr std::string_view k_removal_rung = "remove the certificate";

struct Companion {
  std::string_view service;
  v1::ServiceStartType stock;
};
// What making the certificate needs besides SessionEnv itself; start types as measured (measured.md S1, S2).
constexpr std::array<Companion, 4> k_companions{{{service_name::k_session_env, v1::SERVICE_START_TYPE_MANUAL},
                                                 {"CertPropSvc", v1::SERVICE_START_TYPE_MANUAL},
                                                 {"KeyIso", v1::SERVICE_START_TYPE_MANUAL},
                                                 {"CryptSvc", v1::SERVICE_START_TYPE_AUTO}}};

Result<std::vector<Companion>> disabled_companions(const HostView& host) {
  std::vector<Companion> disabled;
  for (const auto& companion : k_companions) {
    const auto info = host.services.find(companion.service);
    if (!info) return fail(info.error());
    if (*info && (*info)->start_type == v1::SERVICE_START_TYPE_DISABLED) disabled.push_back(companion);
  }
  return disabled;
}

// SessionEnv has just started and may be making the certificate at this moment.
bool may_be_in_the_making(const HostView& host) {
  const auto info = host.services.find(service_name::k_session_env);
  return info && *info && (*info)->running_for && *(*info)->running_for < k_time_to_make;
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

struct Problem {
  std::string text;
  bool by_dates = false;  // Dates are the only complaint: it stands and falls with the clock.
  bool renewal = false;   // The certificate is still good.
};

std::optional<Problem> problem_with_dates(const HostView& host, const Certificate& certificate) {
  const auto now = host.clock.now();
  if (certificate.not_before > now) {
    return Problem{fmt::format("not valid before {}", to_iso8601(certificate.not_before)), true, false};
  }
  if (certificate.not_after <= now) {
    return Problem{fmt::format("expired {} ago", to_human(now - certificate.not_after)), true, false};
  }
  return std::nullopt;
}

// SessionEnv said within the last day that it could not.
bool renewal_failed(const HostView& host) {
  const auto failures = certificate_events(host, {k_create_failed, k_replace_failed}, host.clock.now() - days{1});
  return failures && !failures->empty();
}

// What is wrong with the certificate; nullopt: nothing.
std::optional<Problem> problem_with(const HostView& host, const ListenerCertificate& listener) {
  if (!listener.malformed.empty()) return Problem{fmt::format("the binding is no thumbprint: {}", listener.malformed)};
  if (listener.sha1.empty()) return Problem{"no certificate is registered"};
  if (!listener.certificate) return Problem{"the registered certificate is not in the store"};
  if (auto lost = how_key_is_lost(host, listener)) return Problem{*lost};
  if (auto dates = problem_with_dates(host, *listener.certificate)) return dates;
  const auto left = listener.certificate->not_after - host.clock.now();
  if (listener.origin == Origin::self_signed && left < k_renewal_warning && renewal_failed(host)) {
    return Problem{fmt::format("its renewal fails, and it expires in {}", to_human(left)), true, true};
  }
  return std::nullopt;
}

// Windows may have fallen back, or serve a template's certificate that we do not know of: what a client gets is the
// truth.
bool serves_a_valid_certificate(const HostView& host) {
  const auto report = host.listener.probe(ProbeFrom::own_address, k_probe_deadline);
  if (!report || report->outcome() != v1::PROBE_OUTCOME_OK) return false;
  const auto now = host.clock.now();
  return from_proto(report->certificate().not_before()) <= now && now < from_proto(report->certificate().not_after());
}

std::string advice_for(Origin origin) {
  if (origin == Origin::bound) {
    return "The listener is bound to a certificate of its own (RDP-Tcp\\SSLCertificateSHA1Hash). Renew it with its CA "
           "and bind the new one, or remove the binding so that Windows uses its self-signed certificate.";
  }
  return "Group Policy names a certificate template for the listener. Check that the CA can be reached and that the "
         "template lets this computer enrol; the policy is not fought here.";
}

class CertificateExpired final : public Fault {
 public:
  std::string_view id() const override { return "certificate_expired"; }

  Result<std::vector<v1::Diagnosis>> detect(const HostView& host, const v1::Signal&) const override {
    const auto allowed = remote_desktop_allowed(host);
    if (!allowed) return fail(allowed.error());
    if (!*allowed) return std::vector<v1::Diagnosis>{};
    const auto listener = read_listener_certificate(host);
    if (!listener) return fail(listener.error());
    const auto problem = problem_with(host, *listener);
    if (!problem) return std::vector<v1::Diagnosis>{};
    const bool self_signed = listener->origin == Origin::self_signed;
    if (!self_signed && serves_a_valid_certificate(host)) return std::vector<v1::Diagnosis>{};
    if (self_signed && !listener->certificate && may_be_in_the_making(host)) return std::vector<v1::Diagnosis>{};

    v1::Diagnosis diagnosis;
    diagnosis.set_subject("RDP-Tcp");
    diagnosis.set_summary(fmt::format("The RDP listener's certificate: {}", problem->text));
    (*diagnosis.mutable_facts())["thumbprint"] = listener->sha1;
    add_certificate_evidence(diagnosis, *listener, *problem);
    if (!self_signed) {
      diagnosis.set_advice(advice_for(listener->origin));
      return std::vector{std::move(diagnosis)};
    }
    if (auto added = add_doubts(host, *problem, diagnosis); !added) return fail(added.error());
    if (auto added = add_causes(host, diagnosis); !added) return fail(added.error());
    if (auto report = host.listener.probe(ProbeFrom::own_address, k_probe_deadline)) {
      add_probe_evidence(*diagnosis.mutable_evidence(), *report);
    }
    diagnosis.set_repairable(diagnosis.advice().empty());
    return std::vector{std::move(diagnosis)};
  }

  Result<v1::Plan> plan(const HostView& host, const v1::Diagnosis& diagnosis) const override {
    v1::Plan plan;
    plan.set_summary("Give SessionEnv what it lacks and let it make a new certificate");
    if (!diagnosis.repairable()) {
      plan.set_advice(diagnosis.advice());
      return plan;
    }
    if (auto checked = check_clock(host, plan); !checked) return fail(checked.error());
    if (!plan.advice().empty()) return plan;
    const auto key = read_rdp_key_file(host);
    if (!key) return fail(key.error());

    auto& rung = *plan.add_rungs();
    rung.set_reason("Nothing is taken away and nobody is disconnected.");
    add_key_access(*key, plan, rung);
    if (auto added = add_start_types(host, plan, rung); !added) return fail(added.error());
    if (auto added = add_key_copy(host, *key, rung); !added) return fail(added.error());
    add_session_env_restart(rung);
    if (auto added = add_removal_rung(host, diagnosis, plan); !added) return fail(added.error());
    const auto complete = add_term_service_rung(host, plan);
    if (!complete) return fail(complete.error());
    return plan;
  }

  Result<v1::Verdict> verify(const HostView& host, const v1::Diagnosis& diagnosis, WallTime since) const override {
    const auto failures = certificate_events(host, {k_create_failed, k_replace_failed}, since + 1ns);
    if (failures && !failures->empty()) return failed_again(failures->front());
    const auto listener = read_listener_certificate(host);
    if (!listener) return fail(listener.error());
    const auto before = diagnosis.facts().find("thumbprint");
    const bool same = before != diagnosis.facts().end() && listener->sha1 == before->second;
    if (same || problem_with(host, *listener)) return not_made_yet(host, since);
    const auto key = read_rdp_key_file(host);
    if (!key) return fail(key.error());
    if (key->present && key->unknown.empty() && !key->lets_read(sid::k_network_service)) {
      return ask_again("the new key file has no complete access list yet", backed_off(host.clock.now() - since));
    }
    auto result = prove_served(host, *listener, since);
    if (result) add_created_event(host, *result, listener->sha1);
    return result;
  }

 private:
  static void add_certificate_evidence(v1::Diagnosis& diagnosis, const ListenerCertificate& listener,
                                       const Problem& problem) {
    auto& evidence = *diagnosis.mutable_evidence();
    if (!listener.certificate) {
      add_evidence(evidence, fmt::format("listener certificate in store {}", listener.store), problem.text,
                   "a valid certificate", listener.source);
      return;
    }
    add_evidence(evidence, fmt::format("listener certificate {} ({})", listener.sha1, listener.certificate->subject),
                 fmt::format("{}: valid from {} to {}", problem.text, to_iso8601(listener.certificate->not_before),
                             to_iso8601(listener.certificate->not_after)),
                 "valid, with its private key", listener.source);
  }

  // Where only dates speak, the clock must be known to be right, or an administrator decides. A host that has just
  // started may have any time: nothing is judged until Windows Time has had its chance.
  static Status add_doubts(const HostView& host, const Problem& problem, v1::Diagnosis& diagnosis) {
    if (problem.renewal) diagnosis.set_ask_first(true);
    if (!problem.by_dates) return {};
    const auto reference = host.clock.reference();
    if (!reference) return fail(reference.error());
    if (*reference) return {};
    if (host.clock.steady() < SteadyTime{k_clock_settles}) {
      return fail(
          ErrorCode::unavailable,
          fmt::format("the certificate's dates are not judged yet: no time reference answers, and the host has been "
                      "up for {} only",
                      to_human(host.clock.steady())),
          "Looked at again with the next sweep.");
    }
    diagnosis.set_ask_first(true);
    add_evidence(*diagnosis.mutable_evidence(), "time reference", "none answers", "one that confirms the host's clock",
                 "the host's time source");
    return {};
  }

  // Why SessionEnv cannot renew it. What we may not change ends up in the advice.
  static Status add_causes(const HostView& host, v1::Diagnosis& diagnosis) {
    auto& evidence = *diagnosis.mutable_evidence();
    const auto key = read_rdp_key_file(host);
    if (!key) return fail(key.error());
    if (!add_key_file_obstacles(*key, diagnosis) && key->present) {
      const auto what = fmt::format("key file of {} ({})", k_listener_container, key->file);
      if (!key->lets_do_all(sid::k_system)) {
        add_evidence(evidence, what, fmt::format("no full access for {}", sid::k_system), "SYSTEM full",
                     "its access list");
      }
      if (!key->lets_read(sid::k_network_service)) {
        add_evidence(evidence, what, fmt::format("no read access for {}", sid::k_network_service),
                     "NETWORK SERVICE reads", "its access list");
      }
    }
    const auto disabled = disabled_companions(host);
    if (!disabled) return fail(disabled.error());
    for (const auto& companion : *disabled) {
      add_evidence(evidence, fmt::format("service {}", companion.service), "Disabled",
                   std::string(to_string(companion.stock)), "service configuration");
    }
    if (auto added = add_store_obstacles(host, diagnosis); !added) return added;
    add_event_evidence(host, diagnosis);
    return {};
  }

  static Status add_store_obstacles(const HostView& host, v1::Diagnosis& diagnosis) {
    auto& evidence = *diagnosis.mutable_evidence();
    const auto store = read_text(host.registry, registry_key::k_win_stations, "SelfSignedCertStore");
    if (!store) return fail(store.error());
    if (store->value_or("") != k_remote_desktop_store) {
      add_evidence(evidence, "WinStations\\SelfSignedCertStore", store->value_or("absent"), "Remote Desktop",
                   "registry");
      add_advice(diagnosis,
                 "WinStations\\SelfSignedCertStore must be the text \"Remote Desktop\"; without it Windows cannot keep "
                 "the certificate.");
    }
    for (const auto* below : {"", R"(\Certificates)"}) {
      const auto key = std::string(registry_key::k_remote_desktop_store_key) + below;
      const auto security = host.registry.security(key);
      if (!security) {
        add_evidence(evidence, "HKLM\\" + key, security.error().what, "an access list that can be read", "registry");
        continue;
      }
      if (!*security || denied_mask(**security, sid::k_system) == 0) continue;
      add_evidence(evidence, "HKLM\\" + key, fmt::format("an entry denies SYSTEM ({})", sid::k_system), "none",
                   "its access list");
      add_advice(diagnosis,
                 fmt::format("HKLM\\{} denies SYSTEM, so that no certificate can be made. Some enterprises forbid "
                             "self-signed certificates that way: then bind one of your CA. If it was not meant, "
                             "remove the Deny entry for SYSTEM from that key.",
                             key));
    }
    return {};
  }

  // A log that cannot be read is no reason not to diagnose.
  static void add_event_evidence(const HostView& host, v1::Diagnosis& diagnosis) {
    const auto events = certificate_events(host, {k_create_failed, k_replace_failed}, host.clock.now() - days{1});
    if (!events || events->empty()) return;
    const auto& newest = events->front();
    add_evidence(*diagnosis.mutable_evidence(), fmt::format("event {}", newest.event_id),
                 newest.event_id == k_replace_failed ? "SessionEnv could not replace the certificate"
                                                     : "SessionEnv could not create a certificate",
                 "none",
                 fmt::format("System #{}{}", newest.record_id, newest.time ? " at " + to_iso8601(*newest.time) : ""));
  }

  static Status check_clock(const HostView& host, v1::Plan& plan) {
    const auto reference = host.clock.reference();
    if (!reference) return fail(reference.error());
    if (!*reference) {
      plan.add_reads("clock: no reference answers");
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

  // Some clients go on with a certificate that has run out, and none without its key: a failure must not cost it.
  static Status add_key_copy(const HostView& host, const RdpKeyFile& key, v1::Rung& rung) {
    const auto listener = read_listener_certificate(host);
    if (!listener) return fail(listener.error());
    if (!key.present || !listener->certificate || listener->certificate->key_container != k_listener_container)
      return {};
    auto& step = *rung.add_steps();
    step.set_reason("SessionEnv may delete the old key before it fails to make a new one.");
    auto& keep = *step.mutable_keep_key_file();
    keep.set_folder(std::string(k_machine_keys_folder));
    keep.set_file(key.file);
    keep.set_store(listener->store);
    keep.set_sha1(listener->sha1);
    return {};
  }

  static void add_session_env_restart(v1::Rung& rung) {
    auto& restart = *rung.add_steps();
    restart.set_reason("SessionEnv makes or replaces the listener's certificate when it starts.");
    restart.mutable_restart_service()->set_service(std::string(service_name::k_session_env));
  }

  // Only a certificate that is good for nothing any more, and whose key is in the container that SessionEnv uses; an
  // administrator's own is never taken away (measured.md C7, K9).
  static Status add_removal_rung(const HostView& host, const v1::Diagnosis& diagnosis, v1::Plan& plan) {
    const auto listener = read_listener_certificate(host);
    if (!listener) return fail(listener.error());
    const auto before = diagnosis.facts().find("thumbprint");
    const bool known = before != diagnosis.facts().end() && listener->certificate && listener->sha1 == before->second;
    const auto problem = known ? problem_with(host, *listener) : std::nullopt;
    if (!problem || problem->renewal || listener->certificate->key_container != k_listener_container) {
      plan.add_reads("store Remote Desktop: there is no certificate that may be taken away");
      return {};
    }
    auto& rung = *plan.add_rungs();
    rung.set_id(std::string(k_removal_rung));
    rung.set_reason("Only if SessionEnv cannot replace the certificate while it is there.");
    auto& step = *rung.add_steps();
    step.set_reason(
        "SessionEnv makes a new certificate when the registered one is missing. Only this entry, and never its key.");
    auto& remove = *step.mutable_remove_certificate();
    remove.set_store(listener->store);
    remove.set_sha1(listener->sha1);
    add_session_env_restart(rung);
    return {};
  }

  // The removal may help where SessionEnv could not replace what is there; after it nothing does, and all is undone.
  static v1::Verdict failed_again(const EventRecord& event) {
    auto result = verdict(v1::Verdict::RESULT_NOT_REPAIRED,
                          fmt::format("SessionEnv failed: event {} #{}", event.event_id, event.record_id));
    result.set_next_rung(std::string(k_removal_rung));
    if (const auto status = event.positional(1)) {
      add_evidence(*result.mutable_evidence(), fmt::format("event {}", event.event_id), *status, "none", "System");
    }
    return result;
  }

  static v1::Verdict not_made_yet(const HostView& host, WallTime since) {
    const std::string text = "SessionEnv has not registered a new certificate";
    const auto elapsed = host.clock.now() - since;
    if (elapsed <= k_give_up_on_making) return ask_again(text + " yet", backed_off(elapsed));
    auto result = verdict(v1::Verdict::RESULT_NOT_REPAIRED, text);
    result.set_next_rung(std::string(k_removal_rung));
    return result;
  }

  // A thumbprint is made once, so the time does not matter: the event may be older than the end of the last step.
  static void add_created_event(const HostView& host, v1::Verdict& result, const std::string& sha1) {
    const auto created = certificate_events(host, {k_created}, {});
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
