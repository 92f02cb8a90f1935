#include "agent-lib/win32/win32_host.hpp"

#include "agent-lib/win32/boot_id.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"

namespace rdpmend::win32 {

namespace {

// The DNS name, not the NetBIOS name, which is cut after 15 characters.
Result<std::string> computer_name() {
  std::wstring name(256, L'\0');
  auto size = static_cast<DWORD>(name.size());
  if (!GetComputerNameExW(ComputerNameDnsHostname, name.data(), &size)) {
    return fail(last_error("cannot read the computer's name"));
  }
  return narrow(name.substr(0, size));
}

}  // namespace

Result<std::unique_ptr<Win32Host>> Win32Host::open(std::wstring kept_keys) {
  auto name = computer_name();
  if (!name) return fail(std::move(name).error());
  return std::unique_ptr<Win32Host>(new Win32Host({std::move(*name), "windows", boot_id()}, std::move(kept_keys)));
}

HostControl Win32Host::control() {
  return {identity_, clock_, events_, registry_, certificates_, key_files_, services_, firewall_, sessions_, listener_};
}

}  // namespace rdpmend::win32
