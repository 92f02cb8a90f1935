#include "agent-lib/sim/sim_certificates.hpp"

#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <stdexcept>

#include "agent-lib/probe/served_certificate.hpp"
#include "agent-lib/support/hex.hpp"
#include "agent-lib/support/openssl.hpp"

namespace rdpmend::sim {

namespace {

using openssl::Owned;
using Pkcs8 = Owned<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;

// OpenSSL fails here only without memory or with a broken installation: nothing that a caller could handle.
template <class T>
T must(T result) {
  if (!result) throw std::runtime_error("OpenSSL cannot make a certificate");
  return result;
}

// DER by one of OpenSSL's i2d functions.
template <class Function, class Object>
std::string to_der(Function i2d, Object* object) {
  const int size = i2d(object, nullptr);
  must(size > 0);
  std::string der(static_cast<std::size_t>(size), '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  i2d(object, &out);
  return der;
}

openssl::X509Certificate parse_certificate(const std::string& der) {
  const auto* in = reinterpret_cast<const unsigned char*>(der.data());
  return openssl::X509Certificate(d2i_X509(nullptr, &in, static_cast<long>(der.size())));
}

openssl::PrivateKey parse_private_key(const std::string& der) {
  const auto* in = reinterpret_cast<const unsigned char*>(der.data());
  const Pkcs8 info(must(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &in, static_cast<long>(der.size()))));
  return openssl::PrivateKey(must(EVP_PKCS82PKEY(info.get())));
}

std::time_t to_time_t(WallTime time) {
  return std::chrono::system_clock::to_time_t(std::chrono::time_point_cast<std::chrono::system_clock::duration>(
      std::chrono::floor<std::chrono::seconds>(time)));
}

void add_extension(X509* certificate, int nid, const char* value) {
  const Owned<X509_EXTENSION, X509_EXTENSION_free> extension(must(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value)));
  must(X509_add_ext(certificate, extension.get(), -1));
}

}  // namespace

KeyPair make_key_pair(bool rsa) {
  const openssl::PrivateKey key(must(rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256")));
  const Pkcs8 info(must(EVP_PKEY2PKCS8(key.get())));
  return {to_der(i2d_PKCS8_PRIV_KEY_INFO, info.get()), to_der(i2d_PUBKEY, key.get())};
}

std::string make_self_signed(const KeyPair& key_pair, const CertificateRequest& request) {
  const auto key = parse_private_key(key_pair.private_der);
  const openssl::X509Certificate certificate(must(X509_new()));
  must(X509_set_version(certificate.get(), X509_VERSION_3));
  must(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), request.serial));
  must(ASN1_TIME_set(X509_getm_notBefore(certificate.get()), to_time_t(request.not_before)) != nullptr);
  must(ASN1_TIME_set(X509_getm_notAfter(certificate.get()), to_time_t(request.not_after)) != nullptr);
  auto* name = X509_get_subject_name(certificate.get());
  must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(request.common_name.c_str()), -1, -1, 0));
  must(X509_set_issuer_name(certificate.get(), name));
  must(X509_set_pubkey(certificate.get(), key.get()));
  add_extension(certificate.get(), NID_ext_key_usage, "serverAuth");
  add_extension(certificate.get(), NID_key_usage, "digitalSignature,keyEncipherment,dataEncipherment");
  must(X509_sign(certificate.get(), key.get(), EVP_sha256()));
  return to_der(i2d_X509, certificate.get());
}

Result<Certificate> read_certificate(const std::string& der) {
  const auto parsed = parse_certificate(der);
  if (!parsed) return fail(ErrorCode::invalid_argument, "this is not an X.509 certificate in DER");
  const auto description = describe_certificate(*parsed);
  Certificate certificate;
  certificate.sha1 = description.sha1();
  certificate.subject = description.subject();
  certificate.not_before = from_proto(description.not_before());
  certificate.not_after = from_proto(description.not_after());
  certificate.server_authentication = description.server_authentication();
  certificate.der = der;
  return certificate;
}

std::string public_key_of(const std::string& certificate_der) {
  const auto certificate = parse_certificate(certificate_der);
  if (!certificate) return {};
  auto* key = X509_get0_pubkey(certificate.get());
  return key ? to_der(i2d_PUBKEY, key) : std::string();
}

v1::ServedCertificate served_certificate(const std::string& der) {
  const auto parsed = parse_certificate(der);
  return parsed ? describe_certificate(*parsed) : v1::ServedCertificate();
}

}  // namespace rdpmend::sim
