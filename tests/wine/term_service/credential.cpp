#include "tests/wine/term_service/credential.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "tests/wine/lab/listener_certificate.hpp"
#include "tests/wine/lab/listener_key.hpp"

namespace rdpmend::lab {

namespace {

template <auto free_function>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free_function(object);
  }
};
using PrivateKey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Free<X509_free>>;
using Pkcs8 = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Free<PKCS8_PRIV_KEY_INFO_free>>;

PrivateKey read_key() {
  const auto bytes = read_listener_key();
  const unsigned char* in = bytes.data();
  return PrivateKey(b2i_PrivateKey(&in, static_cast<long>(bytes.size())));
}

std::string to_pkcs8(const PrivateKey& key) {
  const Pkcs8 info(EVP_PKEY2PKCS8(key.get()));
  unsigned char* out = nullptr;
  const int size = i2d_PKCS8_PRIV_KEY_INFO(info.get(), &out);
  std::string der(reinterpret_cast<const char*>(out), size > 0 ? static_cast<std::size_t>(size) : 0);
  OPENSSL_free(out);
  return der;
}

bool belong_together(const std::vector<unsigned char>& certificate_der, const PrivateKey& key) {
  const unsigned char* in = certificate_der.data();
  const X509Ptr certificate(d2i_X509(nullptr, &in, static_cast<long>(certificate_der.size())));
  return certificate && X509_check_private_key(certificate.get(), key.get()) == 1;
}

}  // namespace

std::variant<sim::SimHost::Credential, sim::CredentialState> load_credential() {
  const auto certificate = find_listener_certificate();
  const bool in_our_container = certificate && certificate->key_container == k_key_container;
  const auto key = in_our_container ? read_key() : nullptr;
  const auto state = sim::credential_state({.certificate_there = certificate.has_value(),
                                            .key_readable = key != nullptr,
                                            .key_matches = key && belong_together(certificate->der, key)});
  if (state != sim::CredentialState::usable) return state;
  return sim::SimHost::Credential{std::string(certificate->der.begin(), certificate->der.end()), to_pkcs8(key)};
}

}  // namespace rdpmend::lab
