// The verb `rehearse`: the real service over a simulated RDP host, for demonstrations, training and drills.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace rdpmend {

struct RehearsalOptions {
  std::string scenario;                        // Of the built-in ones; not read if there is a file.
  std::optional<std::filesystem::path> file;   // A scenario of the user's own.
  std::optional<std::filesystem::path> state;  // Absent: a fresh folder below the system's one for temporary files.
  std::optional<std::filesystem::path> config;
  std::string listen = "127.0.0.1:0";
  std::uint16_t rdp_port = 0;  // 0: any that is free.
  bool until_healed = false;
  std::chrono::seconds deadline{120};  // until_healed only.
};

// Runs until it is asked to end, or the host is healed or will not be. An exit code; see exit_codes.hpp.
int rehearse(const RehearsalOptions& options);

int list_scenarios();

}  // namespace rdpmend
