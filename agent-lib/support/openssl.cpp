#include "agent-lib/support/openssl.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace rdpmend::openssl {

Bio reader_of(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

X509Certificate read_certificate(std::string_view pem) {
  const auto bio = reader_of(pem);
  X509Certificate certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  ERR_clear_error();
  return certificate;
}

PrivateKey read_private_key(std::string_view pem) {
  const auto bio = reader_of(pem);
  // A key that wants a passphrase is none: nobody is asked for one.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  PrivateKey key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
  ERR_clear_error();
  return key;
}

}  // namespace rdpmend::openssl
