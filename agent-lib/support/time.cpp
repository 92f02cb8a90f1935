#include "agent-lib/support/time.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace rdpmend {

using namespace std::chrono;

google::protobuf::Timestamp to_proto(WallTime time) {
  const auto whole = floor<seconds>(time);
  google::protobuf::Timestamp out;
  out.set_seconds(whole.time_since_epoch().count());
  out.set_nanos(static_cast<std::int32_t>((time - whole).count()));
  return out;
}

google::protobuf::Duration to_proto_duration(Duration duration) {
  const auto whole = duration_cast<seconds>(duration);
  google::protobuf::Duration out;
  out.set_seconds(whole.count());
  out.set_nanos(static_cast<std::int32_t>((duration - whole).count()));
  return out;
}

namespace {
// Nanoseconds in 64 bits reach 292 years; messages may say 9999-12-31 for "never".
nanoseconds saturated(std::int64_t whole, std::int32_t nanos) {
  if (whole > duration_cast<seconds>(nanoseconds::max()).count()) return nanoseconds::max();
  if (whole < duration_cast<seconds>(nanoseconds::min()).count()) return nanoseconds::min();
  const nanoseconds value = seconds{whole};
  const nanoseconds rest{nanos};
  if (nanos > 0 && value > nanoseconds::max() - rest) return nanoseconds::max();
  if (nanos < 0 && value < nanoseconds::min() - rest) return nanoseconds::min();
  return value + rest;
}
}  // namespace

WallTime from_proto(const google::protobuf::Timestamp& time) {
  return WallTime{saturated(time.seconds(), time.nanos())};
}

Duration from_proto(const google::protobuf::Duration& duration) {
  return saturated(duration.seconds(), duration.nanos());
}

std::string to_iso8601(WallTime time) {
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{floor<milliseconds>(time - day)};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

namespace {

// Reads exactly `digits` decimal digits at `at` and moves past them.
std::optional<int> read_digits(std::string_view text, std::size_t& at, std::size_t digits) {
  if (at + digits > text.size()) return std::nullopt;
  int value = 0;
  const auto* begin = text.data() + at;
  const auto [end, error] = std::from_chars(begin, begin + digits, value);
  if (error != std::errc{} || end != begin + digits || *begin == '-') return std::nullopt;
  at += digits;
  return value;
}

bool read_char(std::string_view text, std::size_t& at, char expected) {
  if (at >= text.size() || text[at] != expected) return false;
  ++at;
  return true;
}

std::optional<nanoseconds> read_fraction(std::string_view text, std::size_t& at) {
  if (at >= text.size() || text[at] != '.') return nanoseconds{0};
  ++at;
  std::int64_t value = 0;
  std::size_t digits = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
    if (++digits > 9) return std::nullopt;
    value = value * 10 + (text[at++] - '0');
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 9; ++digits) value *= 10;
  return nanoseconds{value};
}

std::optional<minutes> read_zone(std::string_view text, std::size_t& at) {
  if (read_char(text, at, 'Z')) return minutes{0};
  if (at >= text.size() || (text[at] != '+' && text[at] != '-')) return std::nullopt;
  const int sign = text[at++] == '+' ? 1 : -1;
  const auto hour = read_digits(text, at, 2);
  if (!hour || !read_char(text, at, ':')) return std::nullopt;
  const auto minute = read_digits(text, at, 2);
  if (!minute || *hour > 14 || *minute > 59) return std::nullopt;
  return minutes{sign * (*hour * 60 + *minute)};
}

}  // namespace

std::optional<WallTime> parse_iso8601(std::string_view text) {
  std::size_t at = 0;
  std::array<int, 6> parts{};
  constexpr std::array<std::size_t, 6> k_digits{4, 2, 2, 2, 2, 2};
  constexpr std::array<char, 6> k_after{'-', '-', 'T', ':', ':', '\0'};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto value = read_digits(text, at, k_digits[i]);
    if (!value) return std::nullopt;
    parts[i] = *value;
    if (k_after[i] != '\0' && !read_char(text, at, k_after[i])) return std::nullopt;
  }
  const auto fraction = read_fraction(text, at);
  if (!fraction) return std::nullopt;
  const auto zone = read_zone(text, at);
  if (!zone || at != text.size()) return std::nullopt;

  const year_month_day date{year{parts[0]}, month{static_cast<unsigned>(parts[1])},
                            day{static_cast<unsigned>(parts[2])}};
  // Nanoseconds since 1970 in 64 bits reach from 1678 to 2262; FILETIME zero (1601) is outside and means "no time".
  if (!date.ok() || parts[0] < 1700 || parts[0] > 2200) return std::nullopt;
  if (parts[3] > 23 || parts[4] > 59 || parts[5] > 60) return std::nullopt;
  return WallTime{sys_days{date}} + hours{parts[3]} + minutes{parts[4]} + seconds{parts[5]} + *fraction - *zone;
}

std::string to_human(Duration duration) {
  if (duration < Duration::zero()) return "-" + to_human(-duration);
  struct Unit {
    const char* name;
    std::int64_t nanos;
  };
  constexpr std::array<Unit, 6> k_units{{{"d", 86'400'000'000'000},
                                         {"h", 3'600'000'000'000},
                                         {"min", 60'000'000'000},
                                         {"s", 1'000'000'000},
                                         {"ms", 1'000'000},
                                         {"us", 1'000}}};
  std::int64_t rest = duration.count();
  for (std::size_t i = 0; i < k_units.size(); ++i) {
    const auto whole = rest / k_units[i].nanos;
    if (whole == 0) continue;
    rest %= k_units[i].nanos;
    auto text = fmt::format("{} {}", whole, k_units[i].name);
    // Below a second one unit says enough.
    if (i + 1 < 4) {
      if (const auto next = rest / k_units[i + 1].nanos; next != 0)
        text += fmt::format(" {} {}", next, k_units[i + 1].name);
    }
    return text;
  }
  return "0 s";
}

}  // namespace rdpmend
