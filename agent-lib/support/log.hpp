// The program's own log, for whoever debugs the service. What administrators must be able to rely on goes to the
// journal.
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace rdpmend::log {

enum class Level { debug, info, warning, error };

// Where lines go: set once by the service (service/os/logging, Boost.Log) before it starts threads. Before that:
// nowhere. A plain function, so that this library needs no logging library and a line costs nothing when nobody
// listens.
using Sink = void (*)(Level, std::string_view);
void set_sink(Sink sink, Level lowest);

// Thread-safe.
void write(Level level, std::string_view message);
bool enabled(Level level);

template <class... Args>
void line(Level level, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(level)) write(level, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  line(Level::debug, format, std::forward<Args>(args)...);
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  line(Level::info, format, std::forward<Args>(args)...);
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  line(Level::warning, format, std::forward<Args>(args)...);
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  line(Level::error, format, std::forward<Args>(args)...);
}

}  // namespace rdpmend::log
