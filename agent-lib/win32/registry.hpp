// HKEY_LOCAL_MACHINE, 64-bit view.
#pragma once

#include <functional>

#include "agent-lib/host/registry.hpp"
#include "agent-lib/win32/unique_handle.hpp"

namespace rdpmend::win32 {

class Win32Registry final : public Registry {
 public:
  Result<std::optional<RegistryValue>> value(std::string_view key, std::string_view name) const override;
  Result<std::optional<v1::FileSecurity>> security(std::string_view key) const override;
  Status set(std::string_view key, std::string_view name, const RegistryValue& value) override;
  Status erase(std::string_view key, std::string_view name) override;
};

// A key below HKEY_LOCAL_MACHINE in the 64-bit view; empty: it does not exist.
Result<UniqueKey> open_key(std::string_view key, REGSAM rights);

// All values of type REG_SZ of a key, by name; none if the key does not exist. Values have no order, so a key that
// changes while it is read may hide some: then it is read again, and `begin` says that what was taken does not count.
// https://learn.microsoft.com/windows/win32/api/winreg/nf-winreg-regenumvaluew
// unavailable: it changed each time.
Status for_each_text(std::string_view key, const std::function<void()>& begin,
                     const std::function<void(std::string name, std::string data)>& take);

}  // namespace rdpmend::win32
