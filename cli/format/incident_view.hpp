// Incidents for people: the list, and one with its whole story.
#pragma once

#include "cli/format/page.hpp"
#include "rdpmend/v1/journal.pb.h"

namespace rdpmend::cli {

void print_incidents(Page& page, const google::protobuf::RepeatedPtrField<v1::Incident>& incidents);
void print_incident(Page& page, const v1::Incident& incident);
// "incident 42, certificate_expired: repairing", for the answer to a command.
void print_incident_line(Page& page, const v1::Incident& incident);
// What an administrator would do with an incident in this state. Empty: nothing.
std::string next_step(const v1::Incident& incident);

}  // namespace rdpmend::cli
