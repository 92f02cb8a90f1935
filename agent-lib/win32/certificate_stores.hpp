// LocalMachine certificate stores, and whether this process can use a certificate's key.
#pragma once

#include "agent-lib/host/certificate_stores.hpp"

namespace rdpmend::win32 {

class Win32CertificateStores final : public CertificateStores {
 public:
  Result<std::optional<Certificate>> find(std::string_view store, std::string_view sha1) const override;
  Result<std::vector<Certificate>> list(std::string_view store) const override;
  Result<KeyUse> key_use(std::string_view store, std::string_view sha1) const override;
  Status try_key() override;
  Status remove(std::string_view store, std::string_view sha1) override;
  Status add(std::string_view store, const v1::CertificateCopy& copy) override;
};

}  // namespace rdpmend::win32
