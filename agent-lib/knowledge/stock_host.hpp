// What Windows of a build ships with, as far as it was measured. A difference from it is never a fault by itself: it is
// what a repair restores where something is known to prevent Remote Desktop.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "rdpmend/v1/plan.pb.h"

namespace rdpmend {

// Builds on which the values here were measured: Server 2012 R2, 2016, 2019, 2022, 2025 (measured.md section 0).
inline constexpr std::uint32_t k_measured_builds[] = {9600, 14393, 17763, 20348, 26100};

// The listener's key file, container TSSecKeySet1 (measured.md K2): owner SYSTEM; from build 17763 on SessionEnv has
// full access and Administrators have no entry. Builds between the measured ones are taken to be like the older
// neighbour.
v1::FileSecurity stock_key_file_security(std::uint32_t build);

// The folder of machine keys (measured.md K4), the same on all of them.
v1::FileSecurity stock_machine_keys_folder_security();

// A service that Remote Desktop stands on (measured.md S1-S5, N1 and the table of groups).
struct StockService {
  std::string_view name;
  v1::ServiceStartType start_type;
  v1::ServiceStartType or_start_type;  // Healthy hosts have this one too. UNSPECIFIED: they do not.
  bool always_runs;                    // On every healthy host, whatever it is used for.
  // What follows "svchost.exe -k " on servers and on clients, seen from build k_first_build_with_groups on. Windows
  // puts services into one process by the whole command line (measured.md S8). Empty: not seen.
  std::string_view server_group;
  std::string_view client_group;
  std::string_view source;
};
inline constexpr std::uint32_t k_first_build_with_groups = 17763;
inline constexpr std::string_view k_service_host = R"(%SystemRoot%\System32\svchost.exe -k )";
std::span<const StockService> stock_services();

// Values below HKEY_LOCAL_MACHINE of a host that lets Remote Desktop in. Text that begins with % is REG_EXPAND_SZ.
struct StockValue {
  std::string_view key;
  std::string_view name;
  std::variant<std::uint32_t, std::string_view> value;
};
std::span<const StockValue> stock_registry_values();

}  // namespace rdpmend
