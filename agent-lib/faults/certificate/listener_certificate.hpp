// Which certificate the RDP listener presents, and where it comes from. Precedence: explicit binding, then the template
// named by Group Policy, then the self-signed one.
// https://learn.microsoft.com/troubleshoot/windows-server/remote/remote-desktop-listener-certificate-configurations
#pragma once

#include <optional>
#include <string>

#include "agent-lib/host/host.hpp"

namespace rdpmend::faults::certificate {

struct ListenerCertificate {
  enum class Origin { bound, policy_template, self_signed };
  Origin origin = Origin::self_signed;
  std::string store;                       // Where it must be.
  std::string sha1;                        // Registered thumbprint; empty: none is registered.
  std::optional<Certificate> certificate;  // Absent: not in the store.
  std::string source;                      // The registry value that says so.
  std::string malformed;  // How the registry value is no thumbprint. Empty: it is one, or there is none.
};

Result<ListenerCertificate> read_listener_certificate(const HostView& host);

}  // namespace rdpmend::faults::certificate
