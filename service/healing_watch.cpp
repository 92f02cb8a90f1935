#include "service/healing_watch.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rdpmend {

namespace {
constexpr std::size_t k_page_entries = 64;
}  // namespace

HealingWatch::HealingWatch(const Journal& journal, std::set<std::string> fault_ids, Probe probe)
    : journal_(journal), awaited_(fault_ids), fault_ids_(std::move(fault_ids)), probe_(std::move(probe)) {}

std::optional<Healing> HealingWatch::look() {
  if (fault_ids_.empty()) return prove("nothing breaks in this scenario");
  for (;;) {
    const auto page = journal_.read(cursor_, k_page_entries);
    if (!page) return Healing{false, to_string(page.error())};
    if (page->empty()) return std::nullopt;
    for (const auto& entry : *page) {
      cursor_ = entry.seq();
      if (auto answer = judge(entry)) return answer;
    }
  }
}

std::optional<Healing> HealingWatch::judge(const v1::JournalEntry& entry) {
  book_.apply(entry);
  const auto incident = book_.find(entry.incident_id());
  if (incident == nullptr || !fault_ids_.contains(entry.fault_id())) return std::nullopt;
  awaited_.erase(entry.fault_id());
  const auto& diagnosis = incident->diagnosis();
  if (entry.has_incident_opened() && !diagnosis.repairable()) {
    return Healing{false,
                   fmt::format("{}, which is reported, not repaired: {}", diagnosis.summary(), diagnosis.advice())};
  }
  return entry.has_incident_state_changed() ? judge(*incident) : std::nullopt;
}

std::optional<Healing> HealingWatch::judge(const v1::Incident& incident) {
  switch (incident.state()) {
    case v1::INCIDENT_STATE_REPAIRED: return over(incident, "is repaired");
    case v1::INCIDENT_STATE_CLEARED: return over(incident, "went away without a repair");
    case v1::INCIDENT_STATE_ESCALATED:
      return Healing{false, fmt::format("incident {} needs a human: {}", incident.id(), incident.reason())};
    case v1::INCIDENT_STATE_DISMISSED: return Healing{false, fmt::format("incident {} was dismissed", incident.id())};
    default: return std::nullopt;
  }
}

std::optional<Healing> HealingWatch::over(const v1::Incident& incident, const std::string& how) {
  const auto open = book_.open();
  const bool another = std::any_of(open.begin(), open.end(), [this](const auto& other) {
    return fault_ids_.contains(other->diagnosis().fault_id());
  });
  if (another || !awaited_.empty()) return std::nullopt;
  return prove(fmt::format("incident {} {}", incident.id(), how));
}

Healing HealingWatch::prove(const std::string& what) {
  const auto wrong = probe_();
  if (wrong.empty()) return {true, what + ", and a client from outside gets a TLS session with a valid certificate"};
  return {false, fmt::format("{}, but a client from outside does not get through: {}", what, wrong)};
}

std::string fault_of(const v1::ProbeReport& report, WallTime now) {
  if (report.outcome() != v1::PROBE_OUTCOME_OK) return report.detail();
  const auto& certificate = report.certificate();
  if (from_proto(certificate.not_after()) <= now) return "the certificate has expired";
  if (from_proto(certificate.not_before()) > now) return "the certificate is not valid yet";
  return {};
}

}  // namespace rdpmend
