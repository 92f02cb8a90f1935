// The names under which Windows knows the service.
#pragma once

namespace rdpmend {

inline constexpr wchar_t k_service_name[] = L"rdpmend";
inline constexpr wchar_t k_service_display_name[] = L"rdpmend Remote Desktop agent";
inline constexpr wchar_t k_service_description[] =
    L"Keeps this computer reachable through Remote Desktop: watches its event logs, finds what keeps clients out, "
    L"repairs "
    L"it, and undoes what did not help.";

}  // namespace rdpmend
