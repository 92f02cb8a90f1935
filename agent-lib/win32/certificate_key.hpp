// The link from a certificate to its private key, and whether this process can use that key.
#pragma once

#include <optional>
#include <string>

#include "agent-lib/host/certificate_stores.hpp"
#include "agent-lib/win32/os.hpp"

#include <wincrypt.h>

namespace rdpmend::win32 {

struct KeyLink {
  std::string container;
  std::string provider;
};

// nullopt: no key is linked.
std::optional<KeyLink> read_key_link(PCCERT_CONTEXT certificate);
Status write_key_link(PCCERT_CONTEXT certificate, const KeyLink& link);

// Uses the key as TLS would, without windows and without mending the link.
Result<KeyUse> try_key(PCCERT_CONTEXT certificate);

}  // namespace rdpmend::win32
