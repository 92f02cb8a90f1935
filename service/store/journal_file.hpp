// The file of the journal: who owns it, what is in it, whether one that is found can be used, and where it goes if not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "agent-lib/support/result.hpp"
#include "service/store/sqlite.hpp"

namespace rdpmend {

// The version of the file: its tables, what is hashed and how, and what the field numbers of journal.proto mean. Kept
// in the file as user_version. Whoever adds a field to an entry leaves it as it is; whoever changes what an old file
// means raises it. The journal in tests/service/kept shows a change that was not meant.
inline constexpr std::int64_t k_journal_format = 2;

// Holds the journal for this process until destroyed or the process ends, however it ends. unavailable: another has it.
Result<sqlite::Database> own_journal(const std::filesystem::path& file);

// Why the file cannot be the journal: damaged, foreign. Empty: it can, or there is none. Changes nothing.
// An error is what an administrator must solve first; conflict: the file is in the format of another version.
Result<std::string> find_damage(const std::filesystem::path& file);

// Moves the file and what belongs to it out of the way, bytes untouched; says where to.
Result<std::filesystem::path> set_aside(const std::filesystem::path& file);

// Opens the journal to write; makes an empty one, readable by its owner only, if there is none.
Result<sqlite::Database> open_or_create(const std::filesystem::path& file);

// The file and its write-ahead log.
std::uint64_t bytes_on_disk(const std::filesystem::path& file);

}  // namespace rdpmend
