// The branches for newer protobuf and gRPC, which are not in Debian 12: compiled against declarations made after
// theirs.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agent-lib/support/grpc_compat.hpp"
#include "agent-lib/support/protobuf_compat.hpp"

namespace {

struct AbseilLog {
  std::vector<absl::LogSink*> sinks;
  absl::LogSeverityAtLeast stderr_threshold = absl::LogSeverityAtLeast::kInfo;
  int initialized = 0;
};
AbseilLog& abseil() {
  static AbseilLog log;
  return log;
}

}  // namespace

namespace absl {
void AddLogSink(LogSink* sink) {
  abseil().sinks.push_back(sink);
}
void SetStderrThreshold(LogSeverityAtLeast severity) {
  abseil().stderr_threshold = severity;
}
void InitializeLog() {
  ++abseil().initialized;
}
}  // namespace absl

namespace rdpmend::compat {
namespace {

class Collected final : public ErrorCollector {
 public:
  std::string text;

 private:
  void add(int line, int column, std::string_view message) override {
    text += std::to_string(line) + ":" + std::to_string(column) + " " + std::string(message) + "\n";
  }
};

TEST(NewerProtobuf, ErrorsAndWarningsAreCollectedAlike) {
  Collected collected;
  google::protobuf::io::ErrorCollector& parser_sees = collected;
  parser_sees.RecordError(3, 4, "Expected \"}\"");
  parser_sees.RecordWarning(5, -1, "no such field");
  EXPECT_EQ(collected.text, "3:4 Expected \"}\"\n5:-1 no such field\n");
}

TEST(NewerProtobuf, DefaultValuesArePrinted) {
  google::protobuf::util::JsonPrintOptions options;
  print_default_values(options);
  EXPECT_TRUE(options.always_print_fields_with_no_presence);
}

std::string taken;
void take(bool is_error, std::string_view message) {
  taken += (is_error ? "error " : "line ") + std::string(message) + "\n";
}

TEST(NewerGrpc, LinesAreTakenFromAbseilOnceAndKeptFromStandardError) {
  take_grpc_log<take>();
  take_grpc_log<take>();
  ASSERT_EQ(abseil().sinks.size(), 1U);
  EXPECT_EQ(abseil().initialized, 1) << "Abseil ends the process at a second time";
  EXPECT_EQ(abseil().stderr_threshold, absl::LogSeverityAtLeast::kInfinity);
  abseil().sinks.front()->Send({absl::LogSeverity::kError, "connection reset"});
  abseil().sinks.front()->Send({absl::LogSeverity::kWarning, "slow"});
  EXPECT_EQ(taken, "error connection reset\nline slow\n");
}

}  // namespace
}  // namespace rdpmend::compat
