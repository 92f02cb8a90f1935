// Files that nobody but their owner may read, written whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "agent-lib/support/result.hpp"

namespace rdpmend {

// On Windows folders and files get their own access list as they are made, never afterwards: SYSTEM and Administrators,
// and who runs this, if that is neither. A folder that is there must belong to one of them: everybody may make folders
// in ProgramData, and whoever made it first could read what is put into it.
Status make_private_folder(const std::filesystem::path& folder);

// Replaces the file in one go: after a crash it is the old or the new one. On the disk when it returns.
Status write_private_file(const std::filesystem::path& file, std::string_view bytes);

// At most `most` bytes, else an error.
Result<std::string> read_small_file(const std::filesystem::path& file, std::size_t most);

}  // namespace rdpmend
