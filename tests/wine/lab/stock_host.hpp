// A healthy Remote Desktop host, in this Wine prefix: as Windows Server installs it, with Remote Desktop allowed.
#pragma once

#include <filesystem>
#include <string>

namespace rdpmend::lab {

struct StockHost {
  std::filesystem::path programs;  // Where the laboratory's services and DLLs are.
  std::wstring outside_addresses;  // Of this computer, by blanks: what the listener shows to the network.
};

void install_stock_host(const StockHost& host);
// In the order of their dependencies. Throws if one does not run within `deadline_ms`.
void start_stock_services(unsigned deadline_ms);

}  // namespace rdpmend::lab
