// The service's own keys, made at first start: STATE/pki holds the server's certificate, the trust file, and in admin/
// all that the local administrator's client needs. Whoever the OS lets read that folder is administrator.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "agent-lib/support/time.hpp"

namespace rdpmend {

// Where things are; nothing is read or made.
struct PkiPaths {
  explicit PkiPaths(const std::filesystem::path& state_folder);
  static PkiPaths in(const std::filesystem::path& pki_folder);
  std::filesystem::path folder;              // STATE/pki
  std::filesystem::path server_certificate;  // STATE/pki/server.crt
  std::filesystem::path server_key;          // STATE/pki/server.key
  std::filesystem::path trust_file;          // STATE/pki/trust.textproto
  std::filesystem::path admin_folder;        // STATE/pki/admin: client.crt, client.key, server.crt, client.textproto
  std::filesystem::path admin_profile;       // STATE/pki/admin/client.textproto

 private:
  PkiPaths() = default;
};

struct Pki {
  PkiPaths paths;
  std::string server_certificate_pem;
  std::string server_key_pem;
  std::string server_sha256;
  bool made = false;                               // By this call.
  std::string admin_sha256;                        // Set if made.
  std::optional<std::filesystem::path> set_aside;  // init_pki only: where the former folder went.
  std::vector<std::string> warnings;               // For status: a certificate that expires soon.
};

// What is there, checked; made if there is nothing. Half of it is an error: keys are never overwritten silently.
Result<Pki> ensure_pki(const std::filesystem::path& state_folder, const std::string& host_name, WallTime now);

// For the verb init-pki. already_exists unless `replace`; what is replaced is set aside beside it.
enum class IfPresent { refuse, replace };
Result<Pki> init_pki(const std::filesystem::path& state_folder, const std::string& host_name, WallTime now,
                     IfPresent present);

// Writes the local administrator's profile once the service knows the address it listens on.
Status write_admin_profile(const PkiPaths& paths, const std::string& address);

}  // namespace rdpmend
