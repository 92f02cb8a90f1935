// Owners of OpenSSL's objects, and what is read from PEM.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string_view>

namespace rdpmend::openssl {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Freer<Free>>;

using Bio = Owned<BIO, BIO_free_all>;
using PrivateKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using X509Certificate = Owned<X509, X509_free>;

// Reads from the caller's memory, which must outlive it.
Bio reader_of(std::string_view text);

// nullptr: the text holds none. OpenSSL's queue of errors is left empty.
X509Certificate read_certificate(std::string_view pem);
PrivateKey read_private_key(std::string_view pem);

}  // namespace rdpmend::openssl
