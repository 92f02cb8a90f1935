// The file of the journal: who owns it, what is in it, whether one that is found can be used, and where it goes if not.
#pragma once

#include <filesystem>
#include <string>

#include "agent-lib/support/result.hpp"
#include "service/store/sqlite.hpp"

namespace rdpmend {

// Holds the journal for this process until destroyed or the process ends, however it ends. unavailable: another has it.
Result<sqlite::Database> own_journal(const std::filesystem::path& file);

// Why the file cannot be the journal: damaged, foreign, newer. Empty: it can, or there is none. Changes nothing.
// An error is what an administrator must solve first.
Result<std::string> find_damage(const std::filesystem::path& file);

// Moves the file and what belongs to it out of the way, bytes untouched; says where to.
Result<std::filesystem::path> set_aside(const std::filesystem::path& file);

// Opens the journal to write; makes an empty one, readable by its owner only, if there is none.
Result<sqlite::Database> open_or_create(const std::filesystem::path& file);

// The file and its write-ahead log.
std::uint64_t bytes_on_disk(const std::filesystem::path& file);

}  // namespace rdpmend
