// What Windows of a build ships with, as far as it is known (stock_hosts.textproto). A difference from it is never a
// fault by itself: it is what a repair restores where something is known to prevent Remote Desktop.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/host/registry.hpp"
#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/knowledge.pb.h"

namespace rdpmend {

// A stock host, which lives as long as the program, and what to ask it. Names are spelt as in the data.
class Stock {
 public:
  Stock(const v1::StockHost& host, bool known_exactly) : host_(&host), known_exactly_(known_exactly) {}

  const v1::StockHost& host() const { return *host_; }
  // Somebody has looked at this very build and role. false: it is taken as an older one, or as the other role.
  bool known_exactly() const { return known_exactly_; }

  // nullptr: the data has no such thing.
  const v1::StockService* service(std::string_view name) const;
  const v1::StockValue* value(std::string_view key, std::string_view name) const;
  const v1::StockFirewallRule* firewall_rule(std::string_view id) const;

 private:
  const v1::StockHost* host_;
  bool known_exactly_;
};

// The newest known host of this role that is not newer than the build; the oldest of all where there is none.
Stock stock_of(std::uint32_t build, v1::WindowsRole role = v1::WINDOWS_ROLE_SERVER);
// Of the build and role that the registry names. Where it names none: of the oldest build, of a server.
Result<Stock> stock_of(const Registry& registry);

// All that are known, with what they inherit.
const std::vector<v1::StockHost>& stock_hosts();

// SYSTEM\CurrentControlSet\Services\<name>: where ImagePath is, and below Parameters the ServiceDll.
std::string service_key(std::string_view service);

// The listener's key file and the folder of machine keys.
const v1::FileSecurity& stock_key_file_security(std::uint32_t build);
const v1::FileSecurity& stock_machine_keys_folder_security();

// What a stock host says, one by one, and who says so.
struct StockRow {
  std::string what;  // "TermService, depends_on".
  std::string source;
  std::string unproven;  // What would prove it. Empty: the source does.
};
std::vector<StockRow> rows_of(const v1::StockHost& host);

}  // namespace rdpmend
