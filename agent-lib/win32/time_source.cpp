// https://learn.microsoft.com/windows-server/networking/windows-time-service/windows-time-service-tools-and-settings
#include "agent-lib/win32/time_source.hpp"

#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/win32/registry.hpp"
#include "agent-lib/win32/sntp.hpp"
#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"

#include <dsgetdc.h>
#include <lm.h>

namespace rdpmend::win32 {

namespace {

constexpr std::size_t k_max_servers = 3;

struct NetTraits {
  using Raw = DOMAIN_CONTROLLER_INFOW*;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { NetApiBufferFree(raw); }
};

// Group Policy first, as Windows Time does.
Result<std::string> read_setting(std::string_view name) {
  for (const std::string_view key : {R"(SOFTWARE\Policies\Microsoft\W32time\Parameters)",
                                     R"(SYSTEM\CurrentControlSet\Services\W32Time\Parameters)"}) {
    auto value = read_text(Win32Registry{}, key, name);
    if (!value) return fail(std::move(value).error());
    if (*value) return std::move(**value);
  }
  return std::string{};
}

// "time.windows.com,0x9 ntp.example.net": names with flags.
void add_servers(std::string_view list, std::vector<std::string>& servers) {
  while (!list.empty()) {
    const auto item = list.substr(0, list.find(' '));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    const auto name = item.substr(0, item.find(','));
    if (!name.empty() && servers.size() < k_max_servers) servers.emplace_back(name);
  }
}

// A domain controller of this host's domain that serves time, and not this host, should it be one. Nothing if there is
// no domain. https://learn.microsoft.com/windows/win32/api/dsgetdc/nf-dsgetdc-dsgetdcnamew
void add_domain_controller(std::vector<std::string>& servers) {
  UniqueHandle<NetTraits> found;
  constexpr ULONG k_flags = DS_TIMESERV_REQUIRED | DS_RETURN_DNS_NAME | DS_AVOID_SELF;
  if (DsGetDcNameW(nullptr, nullptr, nullptr, nullptr, k_flags, found.out()) != ERROR_SUCCESS) {
    return;
  }
  std::wstring_view name = found->DomainControllerName;
  while (name.starts_with(L'\\')) name.remove_prefix(1);
  servers.push_back(narrow(name));
}

}  // namespace

Result<std::optional<TimeReference>> ask_time_source(Duration deadline) {
  const auto type = read_setting("Type");  // NT5DS, NTP, AllSync or NoSync.
  if (!type) return fail(type.error());
  std::vector<std::string> servers;
  if (*type == "NT5DS" || *type == "AllSync") add_domain_controller(servers);
  if (*type == "NTP" || *type == "AllSync") {
    const auto configured = read_setting("NtpServer");
    if (!configured) return fail(configured.error());
    add_servers(*configured, servers);
  }
  for (const auto& server : servers) {
    const auto offset = ask_sntp(server, deadline / static_cast<int>(servers.size()));
    if (offset) return TimeReference{server, *offset};
  }
  return std::nullopt;
}

}  // namespace rdpmend::win32
