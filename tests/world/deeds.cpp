#include "tests/world/deeds.hpp"

#include <fmt/format.h>

#include <random>

namespace rdpmend::world {

namespace {

using namespace std::chrono_literals;

// How often each kind is drawn, in the order of the kinds.
constexpr unsigned k_weights[Deed::k_kinds] = {20, 14, 8, 8, 20, 8, 8, 3, 4, 4, 2, 6, 2};

Deed::Kind draw_kind(std::uint64_t number) {
  unsigned all = 0;
  for (const auto weight : k_weights) all += weight;
  auto left = static_cast<unsigned>(number % all);
  int kind = 0;
  while (left >= k_weights[kind]) left -= k_weights[kind++];
  return static_cast<Deed::Kind>(kind);
}

// Deeds come in bursts, and between these the host has time to come to rest.
Duration draw_pause(std::uint64_t number) {
  const auto part = static_cast<std::int64_t>(number >> 8);
  if (number % 8 < 5) return std::chrono::seconds{part % 120};
  if (number % 8 < 7) return std::chrono::minutes{part % 120};
  return std::chrono::hours{part % 24};
}

}  // namespace

std::string_view to_string(Deed::Kind kind) {
  switch (kind) {
    case Deed::Kind::breakage: return "breakage";
    case Deed::Kind::mend: return "mend";
    case Deed::Kind::edit: return "edit";
    case Deed::Kind::meddling: return "meddling";
    case Deed::Kind::command: return "command";
    case Deed::Kind::wrong_call: return "wrong call";
    case Deed::Kind::crash: return "crash";
    case Deed::Kind::restart: return "restart";
    case Deed::Kind::clock: return "clock";
    case Deed::Kind::event_log: return "event log";
    case Deed::Kind::full_disk: return "full disk";
    case Deed::Kind::client: return "client";
    case Deed::Kind::pruning: return "pruning";
  }
  return "unknown";
}

std::string to_string(const Deed& deed) {
  return fmt::format("#{} after {}: {} ({:#x})", deed.number, to_human(deed.at), to_string(deed.kind), deed.choice);
}

std::vector<Deed> draw_deeds(std::uint64_t seed, Duration time) {
  std::mt19937_64 random(seed);
  std::vector<Deed> deeds;
  Duration at = 1min;
  while ((at += draw_pause(random())) < time) {
    deeds.push_back({deeds.size(), at, draw_kind(random()), random()});
  }
  return deeds;
}

}  // namespace rdpmend::world
