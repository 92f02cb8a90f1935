// The certificate is a stranger's: every field of it may be absent, absurd or longer than sensible.
#include "agent-lib/probe/served_certificate.hpp"

#include <openssl/asn1.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>

#include "agent-lib/support/hex.hpp"
#include "agent-lib/support/openssl.hpp"
#include "agent-lib/support/time.hpp"

namespace rdpmend {

namespace {

constexpr std::size_t k_max_name_bytes = 1024;

using openssl::Owned;

std::string der_of(const X509& certificate) {
  const int size = i2d_X509(&certificate, nullptr);
  if (size <= 0) return {};
  std::string der(static_cast<std::size_t>(size), '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509(&certificate, &out);
  return der;
}

std::string digest_hex(std::string_view bytes, const EVP_MD* kind) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, kind, nullptr) != 1) return {};
  return to_hex(std::span{digest}.first(size));
}

// RFC 2253 form escapes everything outside printable ASCII, so the text is valid UTF-8 whatever the name holds.
std::string name_text(const X509_NAME* name) {
  const openssl::Bio out{BIO_new(BIO_s_mem())};
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
  const char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  if (size <= 0) return {};
  return {text, std::min(static_cast<std::size_t>(size), k_max_name_bytes)};
}

// Years up to 9999 are in use for "never ends", beyond what WallTime can count: such dates become its first or last
// second.
std::optional<google::protobuf::Timestamp> date_of(const ASN1_TIME* time) {
  using namespace std::chrono;
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  const year_month_day day{year{parts.tm_year + 1900}, month{static_cast<unsigned>(parts.tm_mon + 1)},
                           std::chrono::day{static_cast<unsigned>(parts.tm_mday)}};
  const sys_seconds exact = sys_days{day} + hours{parts.tm_hour} + minutes{parts.tm_min} + seconds{parts.tm_sec};
  const auto first = ceil<seconds>(WallTime::min());
  const auto last = floor<seconds>(WallTime::max());
  google::protobuf::Timestamp out;
  out.set_seconds(std::clamp(exact, first, last).time_since_epoch().count());
  return out;
}

bool is_remote_desktop_authentication(const ASN1_OBJECT* usage) {
  static const Owned<ASN1_OBJECT, ASN1_OBJECT_free> k_remote_desktop{OBJ_txt2obj("1.3.6.1.4.1.311.54.1.2", 1)};
  return k_remote_desktop && OBJ_cmp(usage, k_remote_desktop.get()) == 0;
}

bool allows_server_authentication(const X509& certificate) {
  int critical = 0;
  const Owned<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free> usages{
      static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(&certificate, NID_ext_key_usage, &critical, nullptr))};
  constexpr int k_absent = -1;
  if (!usages) return critical == k_absent;
  for (int i = 0; i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
    const auto* usage = sk_ASN1_OBJECT_value(usages.get(), i);
    if (OBJ_obj2nid(usage) == NID_server_auth || is_remote_desktop_authentication(usage)) return true;
  }
  return false;
}

}  // namespace

v1::ServedCertificate describe_certificate(const X509& certificate) {
  v1::ServedCertificate out;
  out.set_der(der_of(certificate));
  out.set_sha1(digest_hex(out.der(), EVP_sha1()));
  out.set_sha256(digest_hex(out.der(), EVP_sha256()));
  out.set_subject(name_text(X509_get_subject_name(&certificate)));
  out.set_issuer(name_text(X509_get_issuer_name(&certificate)));
  if (const auto date = date_of(X509_get0_notBefore(&certificate))) *out.mutable_not_before() = *date;
  if (const auto date = date_of(X509_get0_notAfter(&certificate))) *out.mutable_not_after() = *date;
  out.set_server_authentication(allows_server_authentication(certificate));
  return out;
}

Result<v1::ServedCertificate> describe_certificate(const std::string& der) {
  const auto* in = reinterpret_cast<const unsigned char*>(der.data());
  const openssl::X509Certificate parsed{d2i_X509(nullptr, &in, static_cast<long>(der.size()))};
  if (!parsed) return fail(ErrorCode::invalid_argument, "this is not an X.509 certificate in DER");
  return describe_certificate(*parsed);
}

}  // namespace rdpmend
