// Messages as JSON for programs: field names as in proto/, every field present, 64-bit numbers as strings (protobuf's
// JSON mapping, https://protobuf.dev/programming-guides/json).
#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "agent-lib/support/result.hpp"

namespace rdpmend::cli {

enum class JsonLayout { indented, line };
enum class JsonNames { of_the_schema, camel_case };

// Ends with a line break.
Result<std::string> to_json(const google::protobuf::Message& message, JsonLayout layout,
                            JsonNames names = JsonNames::of_the_schema);

}  // namespace rdpmend::cli
