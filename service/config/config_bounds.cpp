#include "service/config/config_bounds.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "agent-lib/support/address.hpp"
#include "agent-lib/support/time.hpp"

namespace rdpmend {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using namespace std::chrono_literals;
using Days = std::chrono::duration<std::int64_t, std::ratio<86400>>;

constexpr std::uint64_t k_kib = 1024;
constexpr std::uint64_t k_mib = 1024 * k_kib;
constexpr std::uint64_t k_gib = 1024 * k_mib;

enum class Unit { count, bytes };

// standard 0: no default of its own. 0 in the file means absent, as always in proto3.
struct NumberRule {
  std::string_view message, field;
  std::uint64_t standard, least, most;
  Unit unit;
};
constexpr NumberRule k_numbers[] = {
    {"RpcConfig", "max_request_bytes", k_mib, k_kib, 64 * k_mib, Unit::bytes},
    {"RpcConfig", "max_watchers", 64, 1, 1000, Unit::count},
    {"JournalConfig", "max_bytes", 256 * k_mib, k_mib, 64 * k_gib, Unit::bytes},
    {"LogConfig", "rotate_bytes", 10 * k_mib, 64 * k_kib, k_gib, Unit::bytes},
    {"LogConfig", "keep_files", 5, 1, 100, Unit::count},
    {"FaultPolicy", "attempts_per_day", 0, 1, 100, Unit::count},
    {"PolicyConfig", "attempts_per_day", 2, 1, 100, Unit::count},
    {"PolicyConfig", "breaker_failures", 3, 1, 100, Unit::count},
};

struct DurationRule {
  std::string_view message, field;
  std::optional<Duration> standard;
  Duration least, most;
};
constexpr DurationRule k_durations[] = {
    {"JournalConfig", "max_age", Days{400}, Days{1}, Days{36500}},
    {"FaultPolicy", "cool_down", std::nullopt, 1s, Days{30}},
    {"PolicyConfig", "cool_down", 10min, 1s, Days{30}},
    {"PolicyConfig", "sweep_interval", 15min, 1min, Days{7}},
    {"PolicyConfig", "approval_timeout", 24h, 1min, Days{30}},
    {"ProbeConfig", "deadline", 5s, 100ms, 15s},
};

const FieldDescriptor* field_of(const Message& message, std::string_view name) {
  return message.GetDescriptor()->FindFieldByName(std::string(name));
}

std::uint64_t number_of(const Message& message, const FieldDescriptor* field) {
  const auto* reflection = message.GetReflection();
  return field->cpp_type() == FieldDescriptor::CPPTYPE_UINT64 ? reflection->GetUInt64(message, field)
                                                              : reflection->GetUInt32(message, field);
}

void set_number(Message& message, const FieldDescriptor* field, std::uint64_t value) {
  const auto* reflection = message.GetReflection();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT64) {
    reflection->SetUInt64(&message, field, value);
  } else {
    reflection->SetUInt32(&message, field, static_cast<std::uint32_t>(value));
  }
}

void apply_defaults_to(Message& message) {
  const auto& name = message.GetDescriptor()->name();
  const auto* reflection = message.GetReflection();
  for (const auto& rule : k_numbers) {
    if (rule.message != name || rule.standard == 0) continue;
    const auto* field = field_of(message, rule.field);
    if (number_of(message, field) == 0) set_number(message, field, rule.standard);
  }
  for (const auto& rule : k_durations) {
    if (rule.message != name || !rule.standard) continue;
    const auto* field = field_of(message, rule.field);
    if (reflection->HasField(message, field)) continue;
    reflection->MutableMessage(&message, field)->CopyFrom(to_proto_duration(*rule.standard));
  }
}

std::string in_words(std::uint64_t value, Unit unit) {
  if (unit == Unit::bytes && value >= k_gib && value % k_gib == 0) return fmt::format("{} GiB", value / k_gib);
  if (unit == Unit::bytes && value >= k_mib && value % k_mib == 0) return fmt::format("{} MiB", value / k_mib);
  if (unit == Unit::bytes && value >= k_kib && value % k_kib == 0) return fmt::format("{} KiB", value / k_kib);
  return fmt::format("{}{}", value, unit == Unit::bytes ? " B" : "");
}

// Empty: it is fine.
std::string number_problem(std::uint64_t value, const NumberRule& rule) {
  if (value == 0 || (value >= rule.least && value <= rule.most)) return {};
  return fmt::format("{} is too {}. Allowed are {} to {}.", in_words(value, rule.unit),
                     value < rule.least ? "small" : "large", in_words(rule.least, rule.unit),
                     in_words(rule.most, rule.unit));
}

std::string duration_problem(const google::protobuf::Duration& value, const DurationRule& rule) {
  const auto allowed = fmt::format("Allowed are {} to {}.", to_human(rule.least), to_human(rule.most));
  // Compared in seconds first: the conversion to nanoseconds holds 292 years only.
  const auto most_seconds = std::chrono::ceil<std::chrono::seconds>(rule.most).count();
  if (value.nanos() <= -1'000'000'000 || value.nanos() >= 1'000'000'000)
    return "nanos must be less than a second. " + allowed;
  if (value.seconds() < 0 || value.nanos() < 0) return "it is negative. " + allowed;
  if (value.seconds() > most_seconds || from_proto(value) > rule.most) {
    return fmt::format("{} s is too long. {}", value.seconds(), allowed);
  }
  if (from_proto(value) < rule.least) {
    return from_proto(value) == Duration::zero()
               ? "it is zero. " + allowed
               : fmt::format("{} is too short. {}", to_human(from_proto(value)), allowed);
  }
  return {};
}

}  // namespace

void apply_defaults(v1::ServiceConfig& config) {
  if (config.rpc().listen().empty()) config.mutable_rpc()->set_listen(to_text("127.0.0.1", k_default_rpc_port));
  if (config.log().level() == v1::LogConfig::LEVEL_UNSPECIFIED)
    config.mutable_log()->set_level(v1::LogConfig::LEVEL_INFO);
  const std::array<Message*, 5> parts{config.mutable_rpc(), config.mutable_journal(), config.mutable_log(),
                                      config.mutable_policy(), config.mutable_probe()};
  for (auto* part : parts) apply_defaults_to(*part);
}

std::vector<OutOfBounds> out_of_bounds(const Message& message) {
  std::vector<OutOfBounds> found;
  const auto note = [&](std::string_view field, std::string problem) {
    if (!problem.empty()) found.push_back({std::string(field), std::move(problem)});
  };
  const auto& name = message.GetDescriptor()->name();
  for (const auto& rule : k_numbers) {
    if (rule.message == name) note(rule.field, number_problem(number_of(message, field_of(message, rule.field)), rule));
  }
  for (const auto& rule : k_durations) {
    if (rule.message != name) continue;
    const auto* field = field_of(message, rule.field);
    const auto* reflection = message.GetReflection();
    if (!reflection->HasField(message, field)) continue;
    google::protobuf::Duration value;
    value.CopyFrom(reflection->GetMessage(message, field));
    note(rule.field, duration_problem(value, rule));
  }
  return found;
}

}  // namespace rdpmend
