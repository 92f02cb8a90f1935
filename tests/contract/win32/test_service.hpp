// Two services that are this very program: one does nothing, the other needs it.
#pragma once

#include <string>

#include "agent-lib/support/result.hpp"

namespace rdpmend::contract {

inline constexpr const wchar_t* k_base_service = L"RdpmendContractBase";
inline constexpr const wchar_t* k_dependent_service = L"RdpmendContractTop";

// Makes them, manual and stopped, or leaves them as they are.
Status install_test_services();
Status uninstall_test_services();

// The program as one of the services: until the SCM stops it.
int run_as_service();

}  // namespace rdpmend::contract
