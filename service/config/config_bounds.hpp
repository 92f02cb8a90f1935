// Defaults and bounds of the configuration's numbers and durations, in one table.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "rdpmend/v1/config.pb.h"

namespace rdpmend {

// Sets everything that is absent and has a default.
void apply_defaults(v1::ServiceConfig& config);

struct OutOfBounds {
  std::string field;
  std::string problem;  // A sentence with the allowed range.
};
// Of this one message of the configuration, not of the messages within it.
std::vector<OutOfBounds> out_of_bounds(const google::protobuf::Message& message);

}  // namespace rdpmend
