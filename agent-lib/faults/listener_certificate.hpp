// Which certificate the RDP listener presents, where it comes from, and which files hold its private key.
// Precedence: explicit binding, then the template named by Group Policy, then the self-signed one.
// https://learn.microsoft.com/troubleshoot/windows-server/remote/remote-desktop-listener-certificate-configurations
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent-lib/host/host.hpp"

namespace rdpmend::faults {

struct ListenerCertificate {
  enum class Origin { bound, policy_template, self_signed };
  Origin origin = Origin::self_signed;
  std::string store;                       // Where it must be.
  std::string sha1;                        // Registered thumbprint; empty: none is registered.
  std::optional<Certificate> certificate;  // Absent: not in the store.
  std::string source;                      // The registry value that says so.
};

Result<ListenerCertificate> read_listener_certificate(const HostView& host);

// A file of one of the key containers that SessionEnv uses (TSSecKeySet1 to 9), and what its access list lacks.
struct RdpKeyFile {
  std::string container;
  std::string file;
  KeyFile state;
  std::vector<v1::Ace> missing;  // SYSTEM full, NETWORK SERVICE read.
  std::string denied_sid;        // A SID that an entry denies what it needs; empty: none.
  std::string unknown;           // Why nobody here can tell what its access list lacks; empty: somebody can.
};

// Those that exist. Other machine keys are never looked at.
Result<std::vector<RdpKeyFile>> read_rdp_key_files(const HostView& host);

}  // namespace rdpmend::faults
