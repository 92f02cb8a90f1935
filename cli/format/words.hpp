// The words and colours that people see for the values of the vocabulary, and how dates and durations are written. The
// words of the record are those of agent-lib/record/words.
#pragma once

#include <string>

#include "agent-lib/record/words.hpp"
#include "agent-lib/support/time.hpp"
#include "cli/format/text.hpp"
#include "rdpmend/v1/agent.pb.h"

namespace rdpmend::cli {

std::string word(v1::Finding::Outcome outcome);
std::string word(v1::Check::Answer answer);
std::string word(v1::FaultMode mode);
std::string word(v1::Stage stage);
std::string word(v1::Risk risk);
std::string word(v1::ProbeOutcome outcome);

Style style_of(v1::IncidentState state);
Style style_of(v1::Finding::Outcome outcome);
Style style_of(v1::Check::Answer answer);
Style style_of(v1::StepRecord::Phase phase);
Style style_of(v1::Verdict::Result result);

// "event 1058 of System, record 4711, 3 times", "the sweep", "a request".
std::string describe(const v1::Signal& signal);

// "2026-03-01 12:01:05 UTC", "2026-03-01" and "12:01:05", all UTC. Empty without a time.
std::string date_time(const google::protobuf::Timestamp& time);
std::string date(const google::protobuf::Timestamp& time);
std::string time_of_day(const google::protobuf::Timestamp& time);
// "3 min 4 s", whole seconds.
std::string span_between(const google::protobuf::Timestamp& from, const google::protobuf::Timestamp& to);
// "3 min 4 s ago", "just now".
std::string ago(const google::protobuf::Timestamp& then, const google::protobuf::Timestamp& now);

// "1 incident", "2 incidents".
std::string count_of(std::uint64_t number, const std::string& thing);

}  // namespace rdpmend::cli
