// Whom the service believes: client certificates pinned by fingerprint in trust.textproto, each with a name and a role.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "agent-lib/support/result.hpp"
#include "agent-lib/support/time.hpp"
#include "rdpmend/v1/trust.pb.h"

namespace rdpmend {

struct Identity {
  std::string name;
  v1::Role role = v1::ROLE_UNSPECIFIED;
  std::string sha256;  // Of the certificate, upper-case hex.
};

// Thread-safe.
class TrustStore {
 public:
  explicit TrustStore(std::filesystem::path file);

  // Who presents this certificate (PEM), if its dates hold and its fingerprint is trusted. TLS has proved that the peer
  // has its key. unauthenticated says why not; a trust file that cannot be read or is damaged is an error too: nobody
  // gets in. The file is looked at again at most once a second of `now`.
  Result<Identity> authenticate(std::string_view certificate_pem, WallTime now);
  // The same by fingerprint alone (upper-case hex), without the certificate's own dates.
  Result<Identity> check(const std::string& sha256, WallTime now);

 private:
  struct FileState {
    std::filesystem::file_time_type modified{};
    std::uintmax_t size = 0;
    bool operator==(const FileState&) const = default;
  };
  void refresh(WallTime now);

  const std::filesystem::path file_;
  std::mutex mutex_;
  std::optional<WallTime> looked_at_;
  std::optional<FileState> loaded_;
  Result<std::map<std::string, v1::TrustEntry>> entries_;
};

Result<v1::TrustFile> read_trust_file(const std::filesystem::path& file);
// Atomically; readable by the owner only.
Status write_trust_file(const std::filesystem::path& file, const v1::TrustFile& trust);

}  // namespace rdpmend
