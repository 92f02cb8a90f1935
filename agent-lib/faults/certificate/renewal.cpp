#include "agent-lib/faults/certificate/renewal.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/faults/certificate/examination.hpp"
#include "agent-lib/faults/certificate/key_file.hpp"
#include "agent-lib/faults/certificate/proof.hpp"
#include "agent-lib/faults/kit/evidence.hpp"
#include "agent-lib/steps/make.hpp"
#include "agent-lib/support/guarded.hpp"

namespace rdpmend::faults::certificate {

namespace {

using namespace std::chrono_literals;

constexpr Duration k_give_up_on_making = 20s;
constexpr Duration k_clock_tolerance = 10min;
constexpr std::string_view k_removal_rung = "remove the certificate";

void check_clock(const Look& look, PlanDraft& plan) {
  const auto reference = need(look.host.clock.reference());
  if (!reference) {
    plan.reads("clock: no reference answers");
  } else if (reference->offset > k_clock_tolerance || reference->offset < -k_clock_tolerance) {
    plan.refuse(fmt::format("The clock is off by {} against {}. Set it right first.", to_human(reference->offset),
                            reference->source));
  } else {
    plan.reads(fmt::format("clock: agrees with {} within {}", reference->source, to_human(k_clock_tolerance)));
  }
}

// Only a certificate that is good for nothing any more, and whose key is in the container that SessionEnv uses; an
// administrator's own is never taken away (measured.md C7, K9).
bool may_be_taken_away(const Examination& seen, const std::string& thumbprint) {
  const auto& listener = seen.listener;
  return seen.problem && !seen.problem->renewal && !thumbprint.empty() && listener.sha1 == thumbprint &&
         listener.certificate && listener.certificate->key_container == k_listener_container;
}

v1::Verdict not_made(std::string text) {
  auto result = verdict(v1::Verdict::RESULT_NOT_REPAIRED, std::move(text));
  // The removal may help where SessionEnv could not replace what is there; after it nothing does, and all is undone.
  result.set_next_rung(std::string(k_removal_rung));
  return result;
}

v1::Verdict failed_again(const EventRecord& event) {
  auto result = not_made(fmt::format("SessionEnv failed: event {} #{}", event.event_id, event.record_id));
  if (const auto status = event.positional(1))
    add_evidence(*result.mutable_evidence(), fmt::format("event {}", event.event_id), *status, "none", "System");
  return result;
}

// A thumbprint is made once, so the time does not matter: the event may be older than the end of the last step.
void add_created_event(const Look& look, const std::string& sha1, v1::Verdict& result) {
  const auto created = recent_events(look, {k_created}, {});
  const auto found =
      std::find_if(created.begin(), created.end(), [&](const EventRecord& event) { return event.binary == sha1; });
  add_evidence(*result.mutable_evidence(), "event 1056 (certificate made)",
               found == created.end() ? "not seen" : fmt::format("System #{}", found->record_id),
               "for the new certificate", "System");
}

}  // namespace

void add_renewal(const Look& look, const std::string& thumbprint, PlanDraft& plan) {
  check_clock(look, plan);
  const auto seen = examine(look);
  const auto& listener = seen.listener;
  const auto key = need(read_rdp_key_file(look.host));
  plan.rung("Nothing is taken away and nobody is disconnected.");
  // Some clients go on with a certificate that has run out, and none without its key: a failure must not cost it.
  if (key.present && listener.certificate && listener.certificate->key_container == k_listener_container) {
    plan.step(keep_key_file(k_machine_keys_folder, key.file, listener.store, listener.sha1),
              "SessionEnv may delete the old key before it fails to make a new one.");
  }
  plan.step(restart_service(service_name::k_session_env),
            "SessionEnv makes or replaces the listener's certificate when it starts.");
  if (!may_be_taken_away(seen, thumbprint)) {
    plan.reads("store Remote Desktop: there is no certificate that may be taken away");
    return;
  }
  plan.rung("Only if SessionEnv cannot replace the certificate while it is there.", k_removal_rung)
      .step(
          remove_certificate(listener.store, listener.sha1),
          "SessionEnv makes a new certificate when the registered one is missing. Only this entry, and never its key.")
      .step(restart_service(service_name::k_session_env),
            "SessionEnv makes or replaces the listener's certificate when it starts.");
}

v1::Verdict prove_renewed(const Look& look, const std::string& thumbprint, WallTime since) {
  const auto failures = recent_events(look, {k_create_failed, k_replace_failed}, since + 1ns);
  if (!failures.empty()) return failed_again(failures.front());
  const auto seen = examine(look);
  const auto elapsed = look.host.clock.now() - since;
  if (seen.problem || seen.listener.sha1 == thumbprint) {
    const std::string text = "SessionEnv has not registered a new certificate";
    return elapsed <= k_give_up_on_making ? ask_again(text + " yet", backed_off(elapsed)) : not_made(text);
  }
  const auto key = need(read_rdp_key_file(look.host));
  if (key.present && key.unknown.empty() && !key.lets_read(sid::k_network_service))
    return ask_again("the new key file has no complete access list yet", backed_off(elapsed));
  auto result = prove_served(look, seen.listener, since);
  add_created_event(look, seen.listener.sha1, result);
  return result;
}

}  // namespace rdpmend::faults::certificate
