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

// Opens the key as the link says, compares it with the certificate's and, one of CryptoAPI, signs with it; without
// windows and without mending the link.
Result<KeyUse> try_certificate_key(PCCERT_CONTEXT certificate);

// A machine key as the listener's, in a container of our own that is gone again when this returns.
Status make_trial_key();

// What the file that a container of CryptoAPI must have looks like to this process.
enum class ContainerFile { unknown, absent, denied, empty, readable };

// What it means that a container of CryptoAPI cannot be opened. unavailable: nobody can tell.
Result<KeyUse> meaning_of_failure(DWORD code, ContainerFile file);

}  // namespace rdpmend::win32
