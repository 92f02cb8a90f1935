// Who can get at a file beside those whom private files are for: their owner, and on Windows SYSTEM and Administrators.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace rdpmend {

// POSIX: "group", "others". Windows: the SIDs that the access list lets in, and "everybody" where there is no list.
std::vector<std::string> outsiders(const std::filesystem::path& path);

}  // namespace rdpmend
