// Time in our code is chrono; in messages it is protobuf's. The one place that converts, parses and prints it.
#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace rdpmend {

// Wall clock, for stamps and certificate dates. 100 ns resolution is enough for FILETIME.
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;
// Monotonic time since an arbitrary moment, for durations and deadlines. A virtual host has its own.
using SteadyTime = std::chrono::duration<std::int64_t, std::nano>;
using Duration = std::chrono::nanoseconds;

google::protobuf::Timestamp to_proto(WallTime time);
google::protobuf::Duration to_proto_duration(Duration duration);
// What does not fit (beyond the years 1678 to 2262) becomes the farthest that does.
WallTime from_proto(const google::protobuf::Timestamp& time);
Duration from_proto(const google::protobuf::Duration& duration);

// "2026-08-02T10:11:12.345Z", always UTC.
std::string to_iso8601(WallTime time);
// Accepts what event XML holds: "2020-08-01T18:48:57.4580708Z" with 0 to 9 fraction digits, Z or +hh:mm.
std::optional<WallTime> parse_iso8601(std::string_view text);
// "3 d 4 h", "12 min", "800 ms": at most two units; negative with a leading minus.
std::string to_human(Duration duration);

}  // namespace rdpmend
