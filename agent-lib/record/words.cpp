#include "agent-lib/record/words.hpp"

#include <string_view>

#include "agent-lib/support/enum_word.hpp"

namespace rdpmend {

bool is_closed(v1::IncidentState state) {
  return state == v1::INCIDENT_STATE_REPAIRED || state == v1::INCIDENT_STATE_DISMISSED ||
         state == v1::INCIDENT_STATE_CLEARED;
}

std::string to_string(v1::IncidentState state) {
  return enum_word(v1::IncidentState_Name(state), "INCIDENT_STATE_");
}

std::string to_string(v1::StepRecord::Phase phase) {
  return enum_word(v1::StepRecord::Phase_Name(phase), "PHASE_");
}

std::string to_string(v1::Verdict::Result result) {
  return enum_word(v1::Verdict::Result_Name(result), "RESULT_");
}

std::string to_string(v1::RepairEnded::Outcome outcome) {
  return enum_word(v1::RepairEnded::Outcome_Name(outcome), "OUTCOME_");
}

std::string to_string(v1::LoanEnded::Outcome outcome) {
  return enum_word(v1::LoanEnded::Outcome_Name(outcome), "OUTCOME_");
}

std::string to_string(v1::Loan::Kind kind) {
  return enum_word(v1::Loan::Kind_Name(kind), "KIND_");
}

}  // namespace rdpmend
