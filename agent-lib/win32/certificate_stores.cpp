#include "agent-lib/win32/certificate_stores.hpp"

#include <fmt/format.h>

#include "agent-lib/probe/served_certificate.hpp"
#include "agent-lib/support/hex.hpp"
#include "agent-lib/support/log.hpp"
#include "agent-lib/win32/certificate_key.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"

namespace rdpmend::win32 {

namespace {

constexpr DWORD k_encoding = X509_ASN_ENCODING | PKCS_7_ASN_ENCODING;
constexpr std::size_t k_max_certificates = 4096;

struct StoreTraits {
  using Raw = HCERTSTORE;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { CertCloseStore(raw, 0); }
};
using UniqueStore = UniqueHandle<StoreTraits>;

struct CertificateTraits {
  using Raw = PCCERT_CONTEXT;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { CertFreeCertificateContext(raw); }
};
using UniqueCertificate = UniqueHandle<CertificateTraits>;

// Without OPEN_EXISTING, asking for a store would make it.
Result<UniqueStore> open_store(std::string_view name, DWORD flags) {
  UniqueStore store{CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0,
                                  CERT_SYSTEM_STORE_LOCAL_MACHINE | CERT_STORE_OPEN_EXISTING_FLAG | flags,
                                  widen(name).c_str())};
  if (!store) return fail(last_error(fmt::format("cannot open certificate store {}", name)));
  return store;
}

// Asks a store that writes later to write now. One that writes at once has nothing to commit and may say that it
// cannot, so the answer proves nothing; a step looks again at what it has done.
// https://learn.microsoft.com/windows/win32/api/wincrypt/nf-wincrypt-certcontrolstore
void commit(const UniqueStore& store) {
  CertControlStore(store.get(), 0, CERT_STORE_CTRL_COMMIT, nullptr);
}

Error no_such_certificate(std::string_view store, std::string_view sha1) {
  return hresult_error(fmt::format("cannot find certificate {} in store {}", sha1, store), CRYPT_E_NOT_FOUND);
}

// Empty: it is not there.
Result<UniqueCertificate> find_in(const UniqueStore& store, std::string_view sha1) {
  auto hash = from_hex(sha1);
  if (!hash) return fail(ErrorCode::invalid_argument, fmt::format("{} is no thumbprint", sha1));
  CRYPT_HASH_BLOB blob{static_cast<DWORD>(hash->size()), reinterpret_cast<BYTE*>(hash->data())};
  UniqueCertificate found{CertFindCertificateInStore(store.get(), k_encoding, 0, CERT_FIND_SHA1_HASH, &blob, nullptr)};
  if (found) return found;
  auto error = last_error(fmt::format("cannot look for certificate {}", sha1));
  if (error.code == ErrorCode::not_found) return UniqueCertificate{};
  return fail(std::move(error));
}

// One that must be there.
Result<UniqueCertificate> require(const UniqueStore& store, std::string_view name, std::string_view sha1) {
  auto found = find_in(store, sha1);
  if (found && !*found) return fail(no_such_certificate(name, sha1));
  return found;
}

Result<Certificate> to_certificate(PCCERT_CONTEXT context) {
  Certificate certificate;
  certificate.der.assign(reinterpret_cast<const char*>(context->pbCertEncoded), context->cbCertEncoded);
  const auto description = describe_certificate(certificate.der);
  if (!description) return fail(description.error());
  certificate.sha1 = description->sha1();
  certificate.subject = description->subject();
  certificate.not_before = from_proto(description->not_before());
  certificate.not_after = from_proto(description->not_after());
  certificate.server_authentication = description->server_authentication();
  if (auto link = read_key_link(context)) {
    certificate.key_container = std::move(link->container);
    certificate.key_provider = std::move(link->provider);
  }
  return certificate;
}

}  // namespace

Result<std::optional<Certificate>> Win32CertificateStores::find(std::string_view store, std::string_view sha1) const {
  const auto opened = open_store(store, CERT_STORE_READONLY_FLAG);
  if (!opened) return fail(opened.error());
  const auto found = find_in(*opened, sha1);
  if (!found) return fail(found.error());
  if (!*found) return std::nullopt;
  return to_certificate(found->get());
}

Result<std::vector<Certificate>> Win32CertificateStores::list(std::string_view store) const {
  const auto opened = open_store(store, CERT_STORE_READONLY_FLAG);
  if (!opened) return fail(opened.error());
  std::vector<Certificate> all;
  UniqueCertificate next;
  // Each call frees the context that it is given.
  while (next.reset(CertEnumCertificatesInStore(opened->get(), next.release())), next) {
    if (all.size() == k_max_certificates) return fail(ErrorCode::exhausted, "the store has too many certificates");
    // A stranger's certificate that cannot be read hides no other.
    if (auto certificate = to_certificate(next.get())) {
      all.push_back(std::move(*certificate));
    } else {
      log::warning("a certificate in store {} is skipped: {}", store, to_string(certificate.error()));
    }
  }
  return all;
}

Result<KeyUse> Win32CertificateStores::key_use(std::string_view store, std::string_view sha1) const {
  const auto opened = open_store(store, CERT_STORE_READONLY_FLAG);
  if (!opened) return fail(opened.error());
  const auto found = require(*opened, store, sha1);
  if (!found) return fail(found.error());
  return try_certificate_key(found->get());
}

Status Win32CertificateStores::remove(std::string_view store, std::string_view sha1) {
  const auto opened = open_store(store, 0);
  if (!opened) return fail(opened.error());
  auto found = require(*opened, store, sha1);
  if (!found) return fail(std::move(found).error());
  // Frees the context, whether it succeeds or not. The key stays.
  // https://learn.microsoft.com/windows/win32/api/wincrypt/nf-wincrypt-certdeletecertificatefromstore
  if (!CertDeleteCertificateFromStore(found->release())) {
    return fail(last_error(fmt::format("cannot remove certificate {} from store {}", sha1, store)));
  }
  commit(*opened);
  return {};
}

Status Win32CertificateStores::add(std::string_view store, const v1::CertificateCopy& copy) {
  const auto opened = open_store(store, 0);
  if (!opened) return fail(opened.error());
  const UniqueCertificate context{CertCreateCertificateContext(
      k_encoding, reinterpret_cast<const BYTE*>(copy.der().data()), static_cast<DWORD>(copy.der().size()))};
  if (!context) {
    auto error = last_error("cannot read the certificate");
    error.code = ErrorCode::invalid_argument;
    return fail(std::move(error));
  }
  if (!copy.key_container().empty()) {
    if (auto linked = write_key_link(context.get(), {copy.key_container(), copy.key_provider()}); !linked)
      return linked;
  }
  if (!CertAddCertificateContextToStore(opened->get(), context.get(), CERT_STORE_ADD_NEW, nullptr)) {
    return fail(last_error(fmt::format("cannot add the certificate to store {}", store)));
  }
  commit(*opened);
  return {};
}

Status Win32CertificateStores::try_key() {
  return make_trial_key();
}

}  // namespace rdpmend::win32
