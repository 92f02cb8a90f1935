// Rules and events from text, for tests.
#pragma once

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

#include "agent-lib/events/event_record.hpp"
#include "rdpmend/v1/catalog.pb.h"

namespace rdpmend {

template <class Message>
Message from_text(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// A good rule for System / Schannel / 36870 that points to nothing, and what the test adds.
inline v1::Rule rule(const std::string& more = {}) {
  auto made = from_text<v1::Rule>(more);
  if (made.id().empty()) made.set_id("a_rule");
  if (made.channel().empty()) made.set_channel("System");
  if (made.provider().empty()) made.set_provider("Schannel");
  if (made.event_ids().empty()) made.add_event_ids(36870);
  return made;
}

inline EventRecord schannel(std::vector<EventField> fields = {}) {
  EventRecord event;
  event.channel = "System";
  event.provider = "Schannel";
  event.event_id = 36870;
  event.fields = std::move(fields);
  return event;
}

}  // namespace rdpmend
