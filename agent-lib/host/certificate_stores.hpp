// LocalMachine certificate stores and the private keys that certificates point to.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "agent-lib/support/time.hpp"
#include "rdpmend/v1/plan.pb.h"

namespace rdpmend {

inline constexpr std::string_view k_remote_desktop_store = "Remote Desktop";
inline constexpr std::string_view k_my_store = "My";

struct Certificate {
  std::string sha1;     // Upper-case hex.
  std::string subject;  // RFC 2253.
  WallTime not_before{};
  WallTime not_after{};
  bool server_authentication = false;  // By its extended key usage.
  std::string der;
  std::string key_container;  // CRYPT_KEY_PROV_INFO; empty: no private key is linked.
  std::string key_provider;
};

// Whether this process (SYSTEM) can use the private key. NETWORK SERVICE's access is a matter of the key file's DACL.
// missing, mismatch and corrupt are said only where they are certain: a certificate may be removed for them.
enum class KeyUse { usable, missing, denied, mismatch, corrupt };

class CertificateStores {
 public:
  virtual ~CertificateStores() = default;
  // not_found: the store does not exist.
  virtual Result<std::optional<Certificate>> find(std::string_view store, std::string_view sha1) const = 0;
  virtual Result<std::vector<Certificate>> list(std::string_view store) const = 0;
  // unavailable: nobody can tell.
  virtual Result<KeyUse> key_use(std::string_view store, std::string_view sha1) const = 0;

  // Makes a machine key as SessionEnv would, in a container of our own, and deletes it again: whether Windows can make
  // keys at all, before anything is taken away for a new one.
  virtual Status try_key() = 0;
  // Removes the certificate, never its key. not_found: there is none.
  virtual Status remove(std::string_view store, std::string_view sha1) = 0;
  // Adds it with the link to its key. already_exists: it is there.
  virtual Status add(std::string_view store, const v1::CertificateCopy& copy) = 0;
};

}  // namespace rdpmend
