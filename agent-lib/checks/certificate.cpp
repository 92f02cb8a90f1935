// The registered certificate: its dates, and whether its private key can be used.
#include <fmt/format.h>

#include "agent-lib/checks/answer.hpp"
#include "agent-lib/checks/checks.hpp"
#include "agent-lib/faults/certificate/examination.hpp"

namespace rdpmend::checks {

namespace {

namespace certificate = faults::certificate;

void add_registered(const certificate::Examination& seen, Answer& answer) {
  const auto& listener = seen.listener;
  if (!listener.certificate) {
    answer.saw("listener certificate", seen.problem ? seen.problem->text : "absent", "in store " + listener.store,
               listener.source);
    return;
  }
  answer.saw(fmt::format("listener certificate {} ({})", listener.sha1, listener.certificate->subject),
             fmt::format("valid from {} to {}", to_iso8601(listener.certificate->not_before),
                         to_iso8601(listener.certificate->not_after)),
             "valid now", listener.source);
}

// Windows can use the key, or a handshake with this very certificate has proved it.
std::string how_key_is_known(const Look& look, const certificate::ListenerCertificate& listener) {
  const auto use = look.host.certificates.key_use(listener.store, listener.sha1);
  if (use == KeyUse::usable) return "SYSTEM can use it";
  if (certificate::is_served(look, listener.sha1)) return "the listener used it in a handshake";
  return {};
}

}  // namespace

v1::Check look_at_certificate(const Look& look, const OwnState&) {
  const auto seen = certificate::examine(look);
  Answer answer;
  add_registered(seen, answer);
  if (seen.problem && !seen.is_ours() && certificate::serves_a_valid_certificate(look)) {
    const auto report = need_handshake(look);
    answer.saw("served certificate", report.certificate().sha1(), "valid now", source_of(report));
    return answer.healthy(fmt::format("clients get {}, which is valid", report.certificate().sha1()));
  }
  if (seen.problem) {
    if (seen.problem->by_dates) certificate::judge_dates(look);
    return answer.faulty(seen.problem->text);
  }
  const auto known = how_key_is_known(look, seen.listener);
  answer.saw("its private key", known.empty() ? "nobody here can tell" : known, "usable", "key container, handshake");
  if (known.empty()) return answer.unknown("whether the certificate's private key can be used cannot be told");
  return answer.healthy(
      fmt::format("valid until {}, and its private key can be used", to_iso8601(seen.listener.certificate->not_after)));
}

}  // namespace rdpmend::checks
