// Private key files and their access lists, by handle: what was looked at is what is changed.
#pragma once

#include "agent-lib/host/key_files.hpp"

namespace rdpmend::win32 {

class Win32KeyFiles final : public KeyFiles {
 public:
  // kept_folder: private to the service. Empty: nothing can be kept.
  explicit Win32KeyFiles(std::wstring kept_folder) : kept_folder_(std::move(kept_folder)) {}

  Result<std::optional<KeyFile>> find(std::string_view folder, std::string_view file) const override;
  Status write_dacl(std::string_view folder, std::string_view file, const v1::FileSecurity& security) override;
  Status keep(std::string_view folder, std::string_view file, std::string_view kept) override;
  Status put_back(std::string_view kept, std::string_view folder, std::string_view file) override;
  Result<std::optional<KeyFile>> find_aside(std::string_view aside) const override;
  Status move_aside(std::string_view folder, std::string_view file, std::string_view aside) override;
  Status move_back(std::string_view aside, std::string_view folder, std::string_view file) override;

 private:
  Status may_keep(std::string_view kept) const;
  // Where a file lies that was moved aside under this name.
  Result<std::wstring> aside_path(std::string_view aside) const;

  const std::wstring kept_folder_;
};

// %ProgramData%\Microsoft\Crypto\<folder>\<file>. invalid_argument: not the folder of machine keys, or not a plain
// name.
Result<std::wstring> key_file_path(std::string_view folder, std::string_view file);

}  // namespace rdpmend::win32
