#include "cli/format/incident_view.hpp"

#include <fmt/format.h>

#include "cli/format/evidence_view.hpp"
#include "cli/format/plan_view.hpp"
#include "cli/format/table.hpp"
#include "cli/format/words.hpp"

namespace rdpmend::cli {

void print_incidents(Page& page, const google::protobuf::RepeatedPtrField<v1::Incident>& incidents) {
  Table table({">ID", "STATE", "FAULT", "OPENED (UTC)", "SUMMARY"});
  for (const auto& incident : incidents) {
    table.add({std::to_string(incident.id()),
               {to_string(incident.state()), style_of(incident.state())},
               incident.diagnosis().fault_id(),
               date(incident.opened()) + " " + time_of_day(incident.opened()),
               incident.diagnosis().summary()});
  }
  table.print(page);
}

void print_incident_line(Page& page, const v1::Incident& incident) {
  page.hang({{fmt::format("incident {}, {}: ", incident.id(), name_of(incident.diagnosis()))},
             {to_string(incident.state()), style_of(incident.state())}},
            incident.reason().empty() ? "" : ", " + incident.reason());
}

std::string next_step(const v1::Incident& incident) {
  switch (incident.state()) {
    case v1::INCIDENT_STATE_OPEN:
    case v1::INCIDENT_STATE_ROLLED_BACK:
      if (!incident.diagnosis().repairable()) return "";
      return fmt::format("rdpmend plan {}, then rdpmend repair {} --wait", incident.diagnosis().fault_id(),
                         incident.id());
    case v1::INCIDENT_STATE_AWAITING_APPROVAL:
      return fmt::format("rdpmend approve {} --plan {}", incident.id(), incident.repair().plan().id());
    case v1::INCIDENT_STATE_REPAIRING: return fmt::format("rdpmend watch --incident {}", incident.id());
    case v1::INCIDENT_STATE_ESCALATED:
      return fmt::format("repair by hand, or rdpmend dismiss {} --comment WHY", incident.id());
    default: return "";
  }
}

void print_incident(Page& page, const v1::Incident& incident) {
  const auto& diagnosis = incident.diagnosis();
  page.hang({{fmt::format("Incident {}  ", incident.id()), Style::bold},
             {to_string(incident.state()), style_of(incident.state())}},
            incident.reason().empty() ? "" : ": " + incident.reason());
  page.hang({{name_of(diagnosis) + "  ", Style::bold}}, diagnosis.summary());
  page.blank();
  page.field("opened", date_time(incident.opened()));
  page.field("updated", date_time(incident.updated()));
  page.field("closed", date_time(incident.closed()));
  page.field("first by", describe(incident.first_signal()));
  if (incident.signal_count() > 1) {
    page.field("last by", fmt::format("{}; {} in all", describe(incident.last_signal()),
                                      count_of(incident.signal_count(), "signal")));
  }
  page.field("attempts", std::to_string(incident.attempts()));
  page.field("not undone", incident.rollback_blocked(), Style::bad);
  page.field("advice", diagnosis.advice());
  if (diagnosis.evidence_size() > 0) page.heading("Evidence");
  print_evidence(page, diagnosis.evidence());
  if (incident.has_repair()) print_repair(page, incident.repair());
  page.blank();
  page.field("journal", fmt::format("rdpmend journal --incident {}", incident.id()), Style::plain, 0);
  page.field("next", next_step(incident), Style::plain, 0);
}

}  // namespace rdpmend::cli
