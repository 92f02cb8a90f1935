// The words for the states of the record, for everybody who tells of it: journal, errors, command line, Windows event
// log.
#pragma once

#include <string>

#include "rdpmend/v1/journal.pb.h"

namespace rdpmend {

// Repaired, dismissed or cleared: nothing more will happen to it.
bool is_closed(v1::IncidentState state);

// "awaiting approval", "undo blocked", "not known yet", "rolled back". A value of another version has no word of its
// own and is said to be unknown.
std::string to_string(v1::IncidentState state);
std::string to_string(v1::StepRecord::Phase phase);
std::string to_string(v1::Verdict::Result result);
std::string to_string(v1::RepairEnded::Outcome outcome);
std::string to_string(v1::LoanEnded::Outcome outcome);
// "nla", as the command line takes it.
std::string to_string(v1::Loan::Kind kind);

}  // namespace rdpmend
