// A healthy Remote Desktop host, in this Wine prefix: as Windows Server installs it, with Remote Desktop allowed.
#pragma once

#include <filesystem>
#include <string>

namespace rdpmend::lab {

struct StockHost {
  std::filesystem::path programs;  // Where the laboratory's services and DLLs are.
  std::uint32_t build = 20348;     // Server 2022.
  std::wstring own_addresses;      // Of this computer, by blanks. To itself nothing filters them.
  std::wstring time_server;        // Empty: it has none.
  std::wstring outside_addresses;  // The same, but they stand for what the network sees through the firewall.
};

void install_stock_host(const StockHost& host);
// In the order of their dependencies. Throws if one does not run within `deadline_ms`.
void start_stock_services(unsigned deadline_ms);

}  // namespace rdpmend::lab
