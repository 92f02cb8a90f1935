// What Windows of a build ships with, as far as it was measured. A difference from it is never a fault by itself: it is
// what a repair restores where something is known to prevent Remote Desktop.
#pragma once

#include <cstdint>

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

}  // namespace rdpmend
