#include "agent-lib/engine/policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rdpmend {

using namespace std::chrono;

namespace {

constexpr Duration k_default_cool_down = minutes{10};
constexpr std::uint32_t k_default_attempts = 2;
constexpr std::uint32_t k_default_breaker = 3;
constexpr Duration k_default_sweep = minutes{15};
constexpr Duration k_default_approval_timeout = hours{24};

// "22:30" as minutes since midnight; the configuration was checked when it was read.
minutes parse_time_of_day(const std::string& text) {
  if (text.size() != 5) return minutes{0};
  const auto digit = [&](std::size_t i) { return text[i] - '0'; };
  return hours{digit(0) * 10 + digit(1)} + minutes{digit(3) * 10 + digit(4)};
}

bool names_day(const v1::MaintenanceWindow& window, weekday day) {
  constexpr std::array<std::string_view, 7> k_names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  if (window.days().empty()) return true;
  const auto name = k_names[day.c_encoding()];
  return std::any_of(window.days().begin(), window.days().end(), [&](const auto& text) { return text == name; });
}

bool in_window(const v1::MaintenanceWindow& window, sys_time<nanoseconds> local) {
  const auto midnight = floor<days>(local);
  const auto time = floor<minutes>(local - midnight);
  const auto begin = parse_time_of_day(window.begin());
  const auto end = parse_time_of_day(window.end());
  const weekday today{midnight};
  if (begin < end) return names_day(window, today) && time >= begin && time < end;
  // Crosses midnight: the day named is the one on which it begins.
  return (names_day(window, today) && time >= begin) || (names_day(window, today - days{1}) && time < end);
}

}  // namespace

bool in_repair_window(const v1::PolicyConfig& config, WallTime now, Duration utc_offset) {
  const auto& windows = config.repair_windows();
  return windows.empty() || std::any_of(windows.begin(), windows.end(),
                                        [&](const auto& window) { return in_window(window, now + utc_offset); });
}

std::optional<WallTime> next_repair_window(const v1::PolicyConfig& config, WallTime now, Duration utc_offset) {
  auto at = now;
  for (const auto end = now + days{8}; at < end; at = ceil<minutes>(at + nanoseconds{1})) {
    if (in_repair_window(config, at, utc_offset)) return at;
  }
  return std::nullopt;
}

const v1::FaultPolicy* Policy::find(const std::string& fault_id) const {
  const auto& faults = config_.faults();
  const auto found =
      std::find_if(faults.begin(), faults.end(), [&](const auto& fault) { return fault.fault_id() == fault_id; });
  return found == faults.end() ? nullptr : &*found;
}

v1::FaultMode Policy::mode(const v1::FaultInfo& fault) const {
  const auto* own = find(fault.id());
  return own != nullptr && own->mode() != v1::FAULT_MODE_UNSPECIFIED ? own->mode() : fault.default_mode();
}

bool Policy::may_drop_sessions_unasked(const std::string& fault_id) const {
  const auto* own = find(fault_id);
  return own != nullptr && own->approve_session_drops();
}

std::uint32_t Policy::attempts_per_day(const std::string& fault_id) const {
  if (const auto* own = find(fault_id); own != nullptr && own->attempts_per_day() != 0) return own->attempts_per_day();
  return config_.attempts_per_day() != 0 ? config_.attempts_per_day() : k_default_attempts;
}

Duration Policy::cool_down(const std::string& fault_id) const {
  if (const auto* own = find(fault_id); own != nullptr && own->has_cool_down()) return from_proto(own->cool_down());
  return config_.has_cool_down() ? from_proto(config_.cool_down()) : k_default_cool_down;
}

bool Policy::breaker_open(const IncidentBook& book) const {
  const auto limit = config_.breaker_failures() != 0 ? config_.breaker_failures() : k_default_breaker;
  return book.failures_in_a_row() >= limit;
}

Duration Policy::sweep_interval() const {
  return config_.has_sweep_interval() ? from_proto(config_.sweep_interval()) : k_default_sweep;
}

Duration Policy::approval_timeout() const {
  return config_.has_approval_timeout() ? from_proto(config_.approval_timeout()) : k_default_approval_timeout;
}

Decision Policy::decide(const v1::FaultInfo& fault, const v1::Incident& incident, const IncidentBook& book,
                        WallTime now, Duration utc_offset) const {
  using What = Decision::What;
  if (!incident.diagnosis().repairable()) return {What::escalate, "report only: " + incident.diagnosis().advice(), {}};
  const auto fault_mode = mode(fault);
  if (fault_mode == v1::FAULT_MODE_OBSERVE) return {What::observe, "observed only, as configured", {}};

  const auto attempts = attempts_per_day(fault.id());
  if (book.repairs_since(fault.id(), now - days{1}) >= attempts) {
    return {What::escalate, fmt::format("{} repairs within a day did not last", attempts), {}};
  }
  if (fault_mode == v1::FAULT_MODE_PROPOSE) return {What::propose, "repairs of this fault need approval", {}};
  if (incident.diagnosis().ask_first()) {
    return {What::propose, "some doubt is left, as the diagnosis says: approve if it is not meant so", {}};
  }

  if (breaker_open(book)) {
    return {
        What::wait,
        fmt::format("{} repairs in a row failed: none starts by itself until one ordered by an administrator succeeds",
                    book.failures_in_a_row()),
        {}};
  }
  // A repair stamped in the future was stamped by a clock that has been put back since.
  const auto last = book.last_repair(fault.id());
  if (last && *last <= now && now - *last < cool_down(fault.id())) {
    return {What::wait, "cooling down after the last repair", *last + cool_down(fault.id())};
  }
  if (!in_repair_window(config_, now, utc_offset)) {
    return {What::wait, "waiting for the next repair window", next_repair_window(config_, now, utc_offset)};
  }
  return {What::begin, "", {}};
}

}  // namespace rdpmend
