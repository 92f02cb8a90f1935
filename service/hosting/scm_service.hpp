// The service's entry in the Service Control Manager's database. Windows only.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "agent-lib/win32/unique_handle.hpp"

namespace rdpmend {

// Of this process.
Result<std::wstring> program_file();

class ServiceManager {
 public:
  // denied: the caller is no elevated administrator.
  static Result<ServiceManager> open();

  // Of the service that is installed; the default one where none is.
  Result<std::filesystem::path> state_folder() const;

  enum class Put { created, updated };
  // Settings that this Windows does not know become warnings.
  Result<Put> put(const std::filesystem::path& state, std::vector<std::string>& warnings);
  // False: there was none. What does not stop in time becomes a warning: it is gone when its process ends.
  Result<bool> remove(std::vector<std::string>& warnings);

 private:
  explicit ServiceManager(win32::UniqueService handle) : handle_(std::move(handle)) {}
  Result<win32::UniqueService> create(const std::wstring& command_line);
  Result<win32::UniqueService> find(DWORD access) const;  // An empty handle: there is none.

  win32::UniqueService handle_;
};

}  // namespace rdpmend
