#include "service/pki/certificate.hpp"

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <span>

#include "agent-lib/support/hex.hpp"
#include "agent-lib/support/openssl.hpp"

namespace rdpmend {

namespace {

using openssl::Bio;
using openssl::Owned;
using Extension = Owned<X509_EXTENSION, X509_EXTENSION_free>;
using Number = Owned<BIGNUM, BN_free>;

constexpr std::size_t k_max_pem_bytes = 64 * 1024;
constexpr int k_serial_bits = 127;  // Positive and at most 20 octets: RFC 5280 4.1.2.2.

// The reason that OpenSSL gives, and an empty queue for the next one.
tl::unexpected<Error> openssl_failure(std::string doing) {
  const auto code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return fail(ErrorCode::internal, reason == nullptr ? std::move(doing) : fmt::format("{}: {}", doing, reason));
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

openssl::X509Certificate read_certificate(std::string_view pem) {
  return pem.size() > k_max_pem_bytes ? nullptr : openssl::read_certificate(pem);
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// A name goes into an OpenSSL configuration string, where a comma would begin another entry.
bool is_plain(const std::string& name) {
  return !name.empty() && name.size() <= 253 && name.find_first_of(",;=\"'\\\r\n\t @$") == std::string::npos;
}

bool set_names(X509* certificate, const CertificateRequest& request) {
  auto* subject = X509_get_subject_name(certificate);
  const auto* name = reinterpret_cast<const unsigned char*>(request.common_name.data());
  return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, static_cast<int>(request.common_name.size()),
                                    -1, 0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1;
}

bool set_times(X509* certificate, const CertificateRequest& request) {
  const auto set = [](ASN1_TIME* field, WallTime time) {
    const auto since_1970 = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    return ASN1_TIME_set(field, static_cast<std::time_t>(since_1970)) != nullptr;
  };
  return set(X509_getm_notBefore(certificate), request.not_before) &&
         set(X509_getm_notAfter(certificate), request.not_after);
}

bool set_serial(X509* certificate) {
  const Number number(BN_new());
  return number && BN_rand(number.get(), k_serial_bits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_extensions(X509* certificate, const CertificateRequest& request) {
  std::string alternatives;
  const auto alternative = [&](std::string_view kind, const std::string& name) {
    alternatives += fmt::format("{}{}:{}", alternatives.empty() ? "" : ",", kind, name);
  };
  for (const auto& name : request.dns_names) alternative("DNS", name);
  for (const auto& address : request.addresses) alternative("IP", address);
  const bool server = request.usage == CertificateRequest::Usage::server;
  return add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, NID_ext_key_usage, server ? "serverAuth" : "clientAuth") &&
         add_extension(certificate, NID_subject_key_identifier, "hash") &&
         (alternatives.empty() || add_extension(certificate, NID_subject_alt_name, alternatives));
}

Result<CertificateAndKey> to_pem(X509* certificate, EVP_PKEY* key) {
  const Bio certificate_bio(BIO_new(BIO_s_mem()));
  const Bio key_bio(BIO_new(BIO_s_secmem()));
  if (!certificate_bio || !key_bio || PEM_write_bio_X509(certificate_bio.get(), certificate) != 1 ||
      PEM_write_bio_PrivateKey(key_bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return openssl_failure("cannot encode a certificate");
  }
  return CertificateAndKey{text_of(certificate_bio.get()), text_of(key_bio.get())};
}

std::optional<WallTime> time_of(const ASN1_TIME* time) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return std::nullopt;
  using namespace std::chrono;
  const year_month_day date{year{fields.tm_year + 1900}, month{static_cast<unsigned>(fields.tm_mon + 1)},
                            day{static_cast<unsigned>(fields.tm_mday)}};
  // WallTime ends in 2262; "no well-defined expiration" is 9999 (RFC 5280 4.1.2.5).
  if (date.year() > year{2261}) return WallTime::max();
  if (date.year() < year{1678}) return WallTime::min();
  return WallTime{sys_days{date}} + hours{fields.tm_hour} + minutes{fields.tm_min} + seconds{fields.tm_sec};
}

std::string common_name_of(const X509* certificate) {
  const auto* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return {};
  std::string name(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return name;
}

}  // namespace

Result<CertificateAndKey> make_certificate(const CertificateRequest& request) {
  for (const auto* names : {&request.dns_names, &request.addresses}) {
    for (const auto& name : *names) {
      if (!is_plain(name))
        return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" cannot be a name in a certificate", name));
    }
  }
  const openssl::PrivateKey key(EVP_EC_gen("P-256"));
  const openssl::X509Certificate certificate(X509_new());
  if (!key || !certificate) return openssl_failure("cannot make a key");
  const bool made = X509_set_version(certificate.get(), X509_VERSION_3) == 1 && set_serial(certificate.get()) &&
                    set_names(certificate.get(), request) && set_times(certificate.get(), request) &&
                    X509_set_pubkey(certificate.get(), key.get()) == 1 && set_extensions(certificate.get(), request) &&
                    X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0;
  if (!made) return openssl_failure(fmt::format("cannot make a certificate for \"{}\"", request.common_name));
  return to_pem(certificate.get(), key.get());
}

Result<CertificateFacts> parse_certificate(std::string_view pem) {
  const auto certificate = read_certificate(pem);
  if (!certificate) return fail(ErrorCode::invalid_argument, "it is not a certificate in PEM");
  std::array<unsigned char, 32> digest{};
  unsigned size = 0;
  if (X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size) != 1)
    return openssl_failure("cannot hash a certificate");
  const auto not_before = time_of(X509_get0_notBefore(certificate.get()));
  const auto not_after = time_of(X509_get0_notAfter(certificate.get()));
  if (!not_before || !not_after) return fail(ErrorCode::invalid_argument, "the certificate's dates cannot be read");
  return CertificateFacts{to_hex(std::span<const unsigned char>(digest.data(), size)),
                          common_name_of(certificate.get()), *not_before, *not_after};
}

Status check_key_matches(std::string_view certificate_pem, std::string_view key_pem) {
  const auto certificate = read_certificate(certificate_pem);
  const auto key = openssl::read_private_key(key_pem);
  if (!certificate) return fail(ErrorCode::invalid_argument, "the certificate is not one in PEM");
  if (!key) return fail(ErrorCode::invalid_argument, "the key is not one in PEM without passphrase");
  const bool matches = X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (!matches) return fail(ErrorCode::conflict, "the key is not the certificate's");
  return {};
}

}  // namespace rdpmend
