#include "agent-lib/faults/certificate/examination.hpp"

#include <fmt/format.h>

#include <utility>

#include "agent-lib/events/event_xml.hpp"
#include "agent-lib/faults/kit/case.hpp"
#include "agent-lib/faults/kit/evidence.hpp"
#include "agent-lib/support/guarded.hpp"

namespace rdpmend::faults::certificate {

namespace {

using namespace std::chrono_literals;
using std::chrono::days;

constexpr Duration k_renewal_warning = days{30};  // Few days left are no fault (measured.md C10); a failing renewal is.
constexpr Duration k_clock_settles = 10min;       // After a start, until Windows Time has had its chance.

// A certificate without its key is as good as none. No access to a key that is there is another matter, and so is one
// of which nothing certain is known. Empty: it is not lost.
std::string how_key_is_lost(const Look& look, const ListenerCertificate& listener) {
  const auto use = look.host.certificates.key_use(listener.store, listener.sha1);
  if (use == KeyUse::missing) return "its private key is missing";
  if (use == KeyUse::mismatch) return "its private key belongs to another certificate";
  if (use == KeyUse::corrupt) return "its private key is damaged";
  return {};
}

std::string what_dates_say(const Certificate& certificate, WallTime now) {
  if (certificate.not_before > now) return fmt::format("not valid before {}", to_iso8601(certificate.not_before));
  if (certificate.not_after <= now) return fmt::format("expired {} ago", to_human(now - certificate.not_after));
  return {};
}

std::optional<Problem> problem_with(const Look& look, const ListenerCertificate& listener) {
  if (!listener.malformed.empty()) return Problem{fmt::format("the binding is no thumbprint: {}", listener.malformed)};
  if (listener.sha1.empty()) return Problem{"no certificate is registered"};
  if (!listener.certificate) return Problem{"the registered certificate is not in the store"};
  if (auto lost = how_key_is_lost(look, listener); !lost.empty()) return Problem{std::move(lost), false, false, true};
  const auto now = look.host.clock.now();
  if (auto text = what_dates_say(*listener.certificate, now); !text.empty()) return Problem{std::move(text), true};
  const auto left = listener.certificate->not_after - now;
  const bool may_renew = listener.origin == ListenerCertificate::Origin::self_signed && left < k_renewal_warning;
  if (may_renew && !recent_events(look, {k_create_failed, k_replace_failed}, now - days{1}).empty())
    return Problem{fmt::format("its renewal fails, and it expires in {}", to_human(left)), true, true};
  return std::nullopt;
}

}  // namespace

Examination examine(const Look& look) {
  Examination seen;
  seen.listener = need(read_listener_certificate(look.host));
  seen.problem = problem_with(look, seen.listener);
  return seen;
}

bool is_due(const Look& look, const Examination& seen) {
  if (!seen.is_ours() || !seen.problem) return false;
  if (seen.problem->by_dates) judge_dates(look);
  return true;
}

Dates judge_dates(const Look& look) {
  if (need(look.host.clock.reference())) return Dates::confirmed;
  if (look.host.clock.steady() >= SteadyTime{k_clock_settles}) return Dates::doubtful;
  throw Unreadable({ErrorCode::unavailable,
                    fmt::format("the certificate's dates are not judged yet: no time reference answers, and the host "
                                "has been up for {} only",
                                to_human(look.host.clock.steady())),
                    "Looked at again with the next sweep.",
                    {}});
}

void add_certificate(const Examination& seen, Case& found) {
  const auto& listener = seen.listener;
  if (!listener.certificate) {
    found.saw(fmt::format("listener certificate in store {}", listener.store),
              seen.problem ? seen.problem->text : "absent", "a valid certificate", listener.source);
    return;
  }
  found.saw(fmt::format("listener certificate {} ({})", listener.sha1, listener.certificate->subject),
            fmt::format("valid from {} to {}{}", to_iso8601(listener.certificate->not_before),
                        to_iso8601(listener.certificate->not_after),
                        seen.problem && seen.problem->key_lost ? "; " + seen.problem->text : ""),
            "valid, with its private key", listener.source);
}

std::optional<v1::ProbeReport> handshake(const Look& look) {
  auto report = look.host.listener.probe(ProbeFrom::own_address, k_probe_deadline);
  return report ? std::optional(std::move(*report)) : std::nullopt;
}

bool serves_a_valid_certificate(const Look& look) {
  const auto report = handshake(look);
  if (!report || report->outcome() != v1::PROBE_OUTCOME_OK) return false;
  const auto now = look.host.clock.now();
  return from_proto(report->certificate().not_before()) <= now && now < from_proto(report->certificate().not_after());
}

bool is_served(const Look& look, const std::string& sha1) {
  const auto report = handshake(look);
  return report && report->outcome() == v1::PROBE_OUTCOME_OK && report->certificate().sha1() == sha1;
}

std::vector<EventRecord> recent_events(const Look& look, std::vector<std::uint32_t> ids, WallTime since) {
  constexpr std::string_view k_provider = "Microsoft-Windows-TerminalServices-RemoteConnectionManager";
  const auto found = look.host.events.look_up({"System", std::string(k_provider), std::move(ids), since, 16});
  std::vector<EventRecord> events;
  if (!found) return events;
  for (const auto& xml : *found) {
    if (auto event = parse_event(xml)) events.push_back(std::move(*event));
  }
  return events;
}

}  // namespace rdpmend::faults::certificate
