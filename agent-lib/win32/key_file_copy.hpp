// A whole key file: as bytes, kept before a step that Windows may answer by losing the key, or moved out of the way
// unread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "agent-lib/win32/os.hpp"

namespace rdpmend::win32 {

struct KeyFileCopy {
  DWORD attributes = 0;
  // Self-relative, owner and DACL. Binary, because SDDL's aliases resolve against the machine that parses them
  // (measured.md 0.1.4).
  std::vector<unsigned char> descriptor;
  std::vector<unsigned char> contents;
};

// A file with no other name: neither a folder nor a link of any kind.
bool is_plain_file(const BY_HANDLE_FILE_INFORMATION& info);

// Each is tried plainly first; where the access list does not let us in, with SeBackup or SeRestore.
// not_found: there is no such file. denied: it is not a plain file.
Result<KeyFileCopy> read_key_file(const std::wstring& path, std::string_view doing);
// Written beside it, then put into its place in one go.
Status replace_key_file(const std::wstring& path, const KeyFileCopy& copy, std::string_view doing);

// The same file under another path of its volume, with owner, access list and times. already_exists: the path is taken.
Status move_key_file(const std::wstring& from, const std::wstring& to, std::string_view doing);

// In a folder that is private already. Of all that are kept there the newest 8 stay.
Status write_kept(const std::wstring& folder, std::string_view name, const KeyFileCopy& copy);
Result<KeyFileCopy> read_kept(const std::wstring& folder, std::string_view name);

}  // namespace rdpmend::win32
