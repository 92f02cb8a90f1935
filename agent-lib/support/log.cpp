#include "agent-lib/support/log.hpp"

#include <atomic>

namespace rdpmend::log {

namespace {
std::atomic<Sink> g_sink{nullptr};
std::atomic<Level> g_lowest{Level::info};
}  // namespace

void set_sink(Sink sink, Level lowest) {
  g_lowest = lowest;
  g_sink = sink;
}

bool enabled(Level level) {
  return g_sink.load() != nullptr && level >= g_lowest.load();
}

void write(Level level, std::string_view message) {
  if (const auto sink = g_sink.load()) sink(level, message);
}

}  // namespace rdpmend::log
