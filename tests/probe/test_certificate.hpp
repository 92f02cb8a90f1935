// Self-signed certificates for tests, and their thumbprints computed another way than the code under test does.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include "agent-lib/support/hex.hpp"

namespace rdpmend::test {

struct CertificateWish {
  std::string common_name = "rdp-host.example";
  const EVP_MD* digest = EVP_sha256();
  std::chrono::seconds begins_in{-3600};
  std::chrono::seconds ends_in{3600};
  std::string extended_key_usage = {};  // As in openssl.cnf. Empty: no such extension.
};

struct TestCertificate {
  std::shared_ptr<X509> x509;
  std::shared_ptr<EVP_PKEY> key;
  std::string certificate_pem;
  std::string key_pem;
  std::string sha1;
  std::string sha256;
};

template <class Write>
std::string to_pem(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out{BIO_new(BIO_s_mem()), &BIO_free};
  if (write(out.get()) != 1) throw std::runtime_error("cannot write PEM");
  const char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

inline std::string thumbprint(const X509& certificate, const EVP_MD* digest) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  X509_digest(&certificate, digest, bytes, &size);
  return to_hex(std::span{bytes, size});
}

inline TestCertificate make_certificate(const CertificateWish& wish = {}) {
  // One key for all: making it is slow, and no test depends on it.
  static const std::shared_ptr<EVP_PKEY> key{EVP_RSA_gen(2048), &EVP_PKEY_free};
  const std::shared_ptr<X509> x509{X509_new(), &X509_free};
  X509_set_version(x509.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), static_cast<long>(wish.begins_in.count()));
  X509_time_adj_ex(X509_getm_notAfter(x509.get()), static_cast<int>(wish.ends_in.count() / 86400),
                   static_cast<long>(wish.ends_in.count() % 86400), nullptr);
  auto* name = X509_get_subject_name(x509.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(wish.common_name.data()),
                             static_cast<int>(wish.common_name.size()), -1, 0);
  X509_set_issuer_name(x509.get(), name);
  X509_set_pubkey(x509.get(), key.get());
  if (!wish.extended_key_usage.empty()) {
    const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> usage{
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_ext_key_usage, wish.extended_key_usage.c_str()),
        &X509_EXTENSION_free};
    X509_add_ext(x509.get(), usage.get(), -1);
  }
  if (X509_sign(x509.get(), key.get(), wish.digest) == 0) throw std::runtime_error("cannot sign");
  return {
      x509,
      key,
      to_pem([&](BIO* out) { return PEM_write_bio_X509(out, x509.get()); }),
      to_pem([&](BIO* out) { return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); }),
      thumbprint(*x509, EVP_sha1()),
      thumbprint(*x509, EVP_sha256())};
}

}  // namespace rdpmend::test
