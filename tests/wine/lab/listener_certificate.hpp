// The listener's certificate: store, registry and key, made as SessionEnv makes it.
// https://learn.microsoft.com/troubleshoot/windows-server/remote/remote-desktop-listener-certificate-configurations
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rdpmend::lab {

inline constexpr std::wstring_view k_terminal_server = L"SYSTEM\\CurrentControlSet\\Control\\Terminal Server";
inline constexpr std::wstring_view k_win_stations = L"SYSTEM\\CurrentControlSet\\Control\\Terminal Server\\WinStations";
inline constexpr std::wstring_view k_rdp_tcp =
    L"SYSTEM\\CurrentControlSet\\Control\\Terminal Server\\WinStations\\RDP-Tcp";

using Seconds = std::chrono::sys_seconds;

struct ListenerCertificate {
  std::vector<unsigned char> sha1;
  std::vector<unsigned char> der;
  std::wstring key_container;  // Empty: no key is linked.
  Seconds not_before{}, not_after{};
};

std::string hex(const std::vector<unsigned char>& bytes);  // Upper case.

// The one that the registry names: bound to the listener, in My, or else self-signed, in the store that
// SelfSignedCertStore names. nullopt: none, or it is not there.
std::optional<ListenerCertificate> find_listener_certificate();
std::optional<ListenerCertificate> find_self_signed_certificate();

// A new key in its container and file, a new self-signed certificate in the store, and its thumbprint in the registry.
// Certificates that were there stay.
ListenerCertificate make_self_signed_certificate(Seconds not_before, Seconds not_after);
void remove_self_signed_certificate(const std::vector<unsigned char>& sha1);

std::string full_computer_name();

}  // namespace rdpmend::lab
