#include "cli/format/words.hpp"

#include <fmt/format.h>

#include "agent-lib/support/enum_word.hpp"

namespace rdpmend::cli {

std::string word(v1::Finding::Outcome outcome) {
  return enum_word(v1::Finding::Outcome_Name(outcome), "OUTCOME_");
}

std::string word(v1::Check::Answer answer) {
  return enum_word(v1::Check::Answer_Name(answer), "ANSWER_");
}

std::string word(v1::FaultMode mode) {
  return enum_word(v1::FaultMode_Name(mode), "FAULT_MODE_");
}

std::string word(v1::Stage stage) {
  switch (stage) {
    case v1::STAGE_NAME: return "name resolution";
    case v1::STAGE_TCP: return "TCP";
    case v1::STAGE_X224: return "X.224";
    case v1::STAGE_TLS: return "TLS";
    case v1::STAGE_CREDSSP: return "CredSSP (NLA)";
    default: return enum_word(v1::Stage_Name(stage), "STAGE_");
  }
}

std::string word(v1::Risk risk) {
  switch (risk) {
    case v1::RISK_NONE: return "report only";
    case v1::RISK_SESSION_NEUTRAL: return "session-neutral";
    default: return enum_word(v1::Risk_Name(risk), "RISK_");
  }
}

std::string word(v1::ProbeOutcome outcome) {
  switch (outcome) {
    case v1::PROBE_OUTCOME_OK: return "TLS done";
    case v1::PROBE_OUTCOME_NAME_UNKNOWN: return "the name has no address";
    case v1::PROBE_OUTCOME_CLOSED_BEFORE_CONFIRM: return "closed before the Connection Confirm";
    case v1::PROBE_OUTCOME_SILENT: return "accepted, then silent";
    case v1::PROBE_OUTCOME_NOT_RDP: return "not an RDP listener";
    case v1::PROBE_OUTCOME_NEGOTIATION_FAILURE: return "negotiation failure";
    case v1::PROBE_OUTCOME_STANDARD_RDP_SECURITY: return "the listener offers no TLS";
    case v1::PROBE_OUTCOME_TLS_ALERT: return "TLS alert from the listener";
    case v1::PROBE_OUTCOME_TLS_CLOSED: return "closed during the TLS handshake";
    case v1::PROBE_OUTCOME_TLS_TIMEOUT: return "the TLS handshake timed out";
    case v1::PROBE_OUTCOME_TLS_PROTOCOL: return "broken TLS";
    default: return enum_word(v1::ProbeOutcome_Name(outcome), "PROBE_OUTCOME_");
  }
}

Style style_of(v1::IncidentState state) {
  switch (state) {
    case v1::INCIDENT_STATE_REPAIRED:
    case v1::INCIDENT_STATE_CLEARED: return Style::good;
    case v1::INCIDENT_STATE_ROLLED_BACK:
    case v1::INCIDENT_STATE_ESCALATED: return Style::bad;
    case v1::INCIDENT_STATE_DISMISSED: return Style::dim;
    default: return Style::warn;
  }
}

Style style_of(v1::Check::Answer answer) {
  switch (answer) {
    case v1::Check::ANSWER_HEALTHY: return Style::good;
    case v1::Check::ANSWER_FAULTY: return Style::bad;
    default: return Style::warn;
  }
}

Style style_of(v1::Finding::Outcome outcome) {
  switch (outcome) {
    case v1::Finding::OUTCOME_PRESENT: return Style::bad;
    case v1::Finding::OUTCOME_ABSENT: return Style::good;
    default: return Style::warn;
  }
}

Style style_of(v1::StepRecord::Phase phase) {
  switch (phase) {
    case v1::StepRecord::PHASE_DONE: return Style::good;
    case v1::StepRecord::PHASE_UNDO_BLOCKED: return Style::bad;
    case v1::StepRecord::PHASE_CAPTURED: return Style::plain;
    default: return Style::warn;
  }
}

Style style_of(v1::Verdict::Result result) {
  switch (result) {
    case v1::Verdict::RESULT_REPAIRED: return Style::good;
    case v1::Verdict::RESULT_NOT_REPAIRED: return Style::bad;
    default: return Style::warn;
  }
}

std::string describe(const v1::Signal& signal) {
  switch (signal.kind()) {
    case v1::Signal::KIND_EVENT: {
      auto text = fmt::format("event {} of {}", signal.event_id(), signal.channel());
      if (signal.event_record_id() != 0) text += fmt::format(", record {}", signal.event_record_id());
      if (signal.count() > 1) text += fmt::format(", {} times", signal.count());
      return text;
    }
    case v1::Signal::KIND_SCHEDULE: return "the sweep";
    case v1::Signal::KIND_STARTUP: return "the service's start";
    case v1::Signal::KIND_CHANGE: return "settings of the host changed";
    case v1::Signal::KIND_GAP: return fmt::format("lost events of {}", signal.channel());
    case v1::Signal::KIND_REQUEST: return "a request";
    default: return "a signal not known to this version of rdpmend";
  }
}

std::string date_time(const google::protobuf::Timestamp& time) {
  return time.seconds() == 0 ? "" : fmt::format("{} {} UTC", date(time), time_of_day(time));
}

std::string date(const google::protobuf::Timestamp& time) {
  return time.seconds() == 0 ? "" : to_iso8601(from_proto(time)).substr(0, 10);
}

std::string time_of_day(const google::protobuf::Timestamp& time) {
  return time.seconds() == 0 ? "" : to_iso8601(from_proto(time)).substr(11, 8);
}

std::string span_between(const google::protobuf::Timestamp& from, const google::protobuf::Timestamp& to) {
  return to_human(std::chrono::seconds{to.seconds() - from.seconds()});
}

// What happens while `now` is being read may be a little later than it.
std::string ago(const google::protobuf::Timestamp& then, const google::protobuf::Timestamp& now) {
  return then.seconds() >= now.seconds() ? "just now" : span_between(then, now) + " ago";
}

std::string count_of(std::uint64_t number, const std::string& thing) {
  return fmt::format("{} {}{}", number, thing, number == 1 ? "" : "s");
}

}  // namespace rdpmend::cli
