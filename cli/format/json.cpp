#include "cli/format/json.hpp"

#include "agent-lib/support/protobuf_compat.hpp"

namespace rdpmend::cli {

Result<std::string> to_json(const google::protobuf::Message& message, JsonLayout layout, JsonNames names) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = names == JsonNames::of_the_schema;
  compat::print_default_values(options);
  options.add_whitespace = layout == JsonLayout::indented;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) {
    return fail(ErrorCode::corrupt, "cannot show the answer as JSON: " + std::string{status.message()},
                "Use --format table, and report this with the versions of rdpmend and of the service");
  }
  if (!json.ends_with('\n')) json += '\n';
  return json;
}

}  // namespace rdpmend::cli
