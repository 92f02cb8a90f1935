// gRPC's own log: a function of gpr's up to 1.65 (Debian 12 has 1.51), Abseil's log from 1.66 on (vcpkg has 1.81).
// https://github.com/grpc/proposal/blob/master/L117-core-replace-gpr-logging-with-absl-logging.md
// Included where gRPC may be used, which is not in this folder.
#pragma once

#include <grpcpp/version_info.h>

#include <string_view>

#define RDPMEND_GRPC_LOGS_BY_ABSEIL \
  (GRPC_CPP_VERSION_MAJOR > 1 || (GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR >= 66))

#if RDPMEND_GRPC_LOGS_BY_ABSEIL
#include <absl/base/log_severity.h>
#include <absl/log/globals.h>
#include <absl/log/initialize.h>
#include <absl/log/log_entry.h>
#include <absl/log/log_sink.h>
#include <absl/log/log_sink_registry.h>
#else
#include <grpc/support/log.h>
#endif

namespace rdpmend::compat {

// From any thread.
using GrpcLine = void (*)(bool is_error, std::string_view message);

// Before gRPC is used: its lines go to `take`, and none to standard error. Once for a process; later calls do nothing.
template <GrpcLine take>
void take_grpc_log() {
  static const bool taken = [] {
#if RDPMEND_GRPC_LOGS_BY_ABSEIL
    struct Sink final : absl::LogSink {
      void Send(const absl::LogEntry& entry) override {
        const auto message = entry.text_message();
        take(entry.log_severity() >= absl::LogSeverity::kError, {message.data(), message.size()});
      }
    };
    // Never destroyed: gRPC's threads may log while the process ends.
    static auto* const sink = new Sink;
    absl::SetStderrThreshold(absl::LogSeverityAtLeast::kInfinity);
    absl::AddLogSink(sink);
    absl::InitializeLog();  // Until then Abseil writes to standard error, whatever the threshold.
#else
    gpr_set_log_function(
        [](gpr_log_func_args* args) { take(args->severity == GPR_LOG_SEVERITY_ERROR, args->message); });
#endif
    return true;
  }();
  static_cast<void>(taken);
}

#undef RDPMEND_GRPC_LOGS_BY_ABSEIL

}  // namespace rdpmend::compat
