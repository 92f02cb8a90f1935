// The listener's private key is damaged: its file holds nothing that opens, so the certificate is of no use, and
// SessionEnv cannot replace a key set that it can neither open nor delete. This one file is moved aside; the
// certificate itself, now without its key, is looked at next.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent-lib/faults/certificate/examination.hpp"
#include "agent-lib/faults/certificate/key_file.hpp"
#include "agent-lib/faults/kit/case.hpp"
#include "agent-lib/faults/kit/evidence.hpp"
#include "agent-lib/faults/kit/plan_draft.hpp"
#include "agent-lib/steps/make.hpp"

namespace rdpmend::faults::certificate {

namespace {

// Of event 1057 as the reference to a message, never as its text: NTE_BAD_KEY_STATE, NTE_BAD_KEYSET, NTE_EXISTS.
constexpr std::array<std::string_view, 3> k_unusable_key_set{"%%-2146893813", "%%-2146893802", "%%-2146893809"};

// SessionEnv said within the last day that it cannot make a key over the one that is there.
const EventRecord* unusable_by(const std::vector<EventRecord>& failures) {
  const auto found = std::find_if(failures.begin(), failures.end(), [](const EventRecord& event) {
    const auto status = event.positional(1);
    return status &&
           std::find(k_unusable_key_set.begin(), k_unusable_key_set.end(), *status) != k_unusable_key_set.end();
  });
  return found == failures.end() ? nullptr : &*found;
}

bool is_damaged(const Look& look, const Examination& seen) {
  return seen.listener.certificate && seen.listener.certificate->key_container == k_listener_container &&
         look.host.certificates.key_use(seen.listener.store, seen.listener.sha1) == KeyUse::corrupt;
}

class CertificateKeyCorrupt final : public RepairableFault {
 public:
  std::string_view id() const override { return "certificate_key_corrupt"; }

  std::vector<v1::Diagnosis> detect(const Look& look) const override {
    const auto seen = examine(look);
    if (!seen.is_ours()) return {};
    const auto key = need(read_rdp_key_file(look.host));
    if (!key.present || !key.unknown.empty()) return {};
    const bool damaged = is_damaged(look, seen);
    const auto failures = recent_events(look, {k_create_failed}, look.host.clock.now() - std::chrono::days{1});
    const auto* failure = seen.listener.certificate || !is_due(look, seen) ? nullptr : unusable_by(failures);
    const bool empty = key.state.size == 0 && is_due(look, seen);
    if (!damaged && !empty && failure == nullptr) return {};

    Case found(k_subject, "The private key of the RDP listener's certificate is damaged");
    found.keeps("file", key.file);
    add_certificate(seen, found);
    found.saw(key.name(), key.state.size == 0 ? "empty" : "a key set that cannot be used", "a key that opens",
              "the key file");
    if (failure != nullptr) {
      // The event tells of one try, and another one may tell otherwise: somebody should look at the plan.
      found.asks_first().noted(fmt::format("event {}", failure->event_id), *failure->positional(1), "none",
                               fmt::format("System #{}", failure->record_id));
    }
    found.can_be_repaired(!add_obstacles(key, found));
    if (const auto report = handshake(look)) found.noted(*report);
    return {std::move(found)};
  }

  v1::Plan plan(const Look&, const v1::Diagnosis& diagnosis) const override {
    PlanDraft plan("Move the one damaged key file aside, so that SessionEnv can make a new key");
    plan.rung("The file is kept with its access list, and no other key is touched; nobody is disconnected.")
        .step(move_key_file_aside(k_machine_keys_folder, fact(diagnosis, "file")),
              "SessionEnv can replace neither a key that does not open nor make another one in its place.");
    return plan;
  }

  v1::Verdict verify(const Look& look, const v1::Diagnosis&, WallTime) const override {
    const auto seen = examine(look);
    const auto key = need(read_rdp_key_file(look.host));
    if (key.present && (key.state.size == 0 || is_damaged(look, seen)))
      return verdict(v1::Verdict::RESULT_NOT_REPAIRED, "the key file is damaged, again");
    return verdict(v1::Verdict::RESULT_REPAIRED,
                   "the damaged key is out of the way; the certificate is looked at next");
  }
};

}  // namespace

std::unique_ptr<Fault> make_certificate_key_corrupt() {
  return std::make_unique<CertificateKeyCorrupt>();
}

}  // namespace rdpmend::faults::certificate
