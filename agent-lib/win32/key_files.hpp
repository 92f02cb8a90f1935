// Private key files and their access lists, by handle: what was looked at is what is changed.
#pragma once

#include "agent-lib/host/key_files.hpp"

namespace rdpmend::win32 {

class Win32KeyFiles final : public KeyFiles {
 public:
  Result<std::optional<KeyFile>> find(std::string_view folder, std::string_view file) const override;
  Status write_dacl(std::string_view folder, std::string_view file, const v1::FileSecurity& security) override;
  Status keep(std::string_view folder, std::string_view file, std::string_view kept) override;
  Status put_back(std::string_view kept, std::string_view folder, std::string_view file) override;
};

// %ProgramData%\Microsoft\Crypto\<folder>\<file>. invalid_argument: not the folder of machine keys, or not a plain
// name.
Result<std::wstring> key_file_path(std::string_view folder, std::string_view file);

}  // namespace rdpmend::win32
