// Messages as a service sends them, for golden output. Made by hand: every kind of thing that can be printed is in
// them.
#pragma once

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "tests/cli/canned_service.hpp"

namespace rdpmend::cli {

// A host whose certificate expired: one incident, repaired in the first of two rungs, with its whole journal.
v1::GetHealthResponse canned_health();
Answers canned_answers();
// One entry of every kind, in the order of the oneof.
std::vector<v1::JournalEntry> one_entry_of_each_kind();

v1::Incident canned_incident();
v1::ProbeReport good_probe();
v1::ProbeReport failed_probe();

// Fails the test if the text is not such a message.
template <class Message>
Message from_text(const std::string& text) {
  Message out;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &out)) << text;
  return out;
}

}  // namespace rdpmend::cli
