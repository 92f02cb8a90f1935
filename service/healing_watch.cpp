#include "service/healing_watch.hpp"

#include <fmt/format.h>

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
  if (entry.has_incident_opened()) {
    const auto& diagnosis = entry.incident_opened().diagnosis();
    if (!fault_ids_.contains(diagnosis.fault_id())) return std::nullopt;
    awaited_.erase(diagnosis.fault_id());
    open_.insert(entry.seq());
    if (diagnosis.repairable()) return std::nullopt;
    return Healing{false,
                   fmt::format("{}, which is reported, not repaired: {}", diagnosis.summary(), diagnosis.advice())};
  }
  if (entry.has_incident_state_changed() && open_.contains(entry.incident_id()))
    return judge_state(entry.incident_id(), entry.incident_state_changed());
  return std::nullopt;
}

std::optional<Healing> HealingWatch::judge_state(std::uint64_t incident_id, const v1::IncidentStateChanged& change) {
  switch (change.to()) {
    case v1::INCIDENT_STATE_REPAIRED: return over(incident_id, "is repaired");
    case v1::INCIDENT_STATE_CLEARED: return over(incident_id, "went away without a repair");
    case v1::INCIDENT_STATE_ESCALATED:
      return Healing{false, fmt::format("incident {} needs a human: {}", incident_id, change.reason())};
    case v1::INCIDENT_STATE_DISMISSED: return Healing{false, fmt::format("incident {} was dismissed", incident_id)};
    default: return std::nullopt;
  }
}

std::optional<Healing> HealingWatch::over(std::uint64_t incident_id, const std::string& how) {
  open_.erase(incident_id);
  if (!open_.empty() || !awaited_.empty()) return std::nullopt;
  return prove(fmt::format("incident {} {}", incident_id, how));
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
