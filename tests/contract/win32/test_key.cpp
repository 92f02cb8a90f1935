#include "tests/contract/win32/test_key.hpp"

#include <array>

#include "agent-lib/support/hex.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"

#include <wincrypt.h>

namespace rdpmend::contract {
namespace {

using win32::last_error;

struct StoreTraits {
  using Raw = HCERTSTORE;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { CertCloseStore(raw, 0); }
};
using UniqueStore = win32::UniqueHandle<StoreTraits>;

struct ProviderTraits {
  using Raw = HCRYPTPROV;
  static Raw none() { return 0; }
  static void close(Raw raw) { CryptReleaseContext(raw, 0); }
};
using UniqueProvider = win32::UniqueHandle<ProviderTraits>;

struct CryptKeyTraits {
  using Raw = HCRYPTKEY;
  static Raw none() { return 0; }
  static void close(Raw raw) { CryptDestroyKey(raw); }
};

struct CertificateTraits {
  using Raw = PCCERT_CONTEXT;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { CertFreeCertificateContext(raw); }
};
using UniqueCertificate = win32::UniqueHandle<CertificateTraits>;

UniqueStore open_store() {
  return UniqueStore{CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_LOCAL_MACHINE,
                                   win32::widen(k_test_store).c_str())};
}

// A 2048 bit key for key exchange, in a provider that can sign with SHA-256.
Result<UniqueProvider> make_key(const std::wstring& container) {
  UniqueProvider provider;
  constexpr DWORD k_flags = CRYPT_MACHINE_KEYSET | CRYPT_SILENT;
  if (!CryptAcquireContextW(provider.out(), container.c_str(), MS_ENH_RSA_AES_PROV_W, PROV_RSA_AES, k_flags) &&
      !CryptAcquireContextW(provider.out(), container.c_str(), MS_ENH_RSA_AES_PROV_W, PROV_RSA_AES,
                            k_flags | CRYPT_NEWKEYSET)) {
    return fail(last_error("cannot make a key container"));
  }
  win32::UniqueHandle<CryptKeyTraits> key;
  constexpr DWORD k_bits = 2048U << 16U;
  if (!CryptGetUserKey(provider.get(), AT_KEYEXCHANGE, key.out()) &&
      !CryptGenKey(provider.get(), AT_KEYEXCHANGE, k_bits, key.out())) {
    return fail(last_error("cannot make a key"));
  }
  return provider;
}

Result<UniqueCertificate> self_sign(const UniqueProvider& provider, CRYPT_KEY_PROV_INFO& link) {
  std::array<BYTE, 256> name{};
  CERT_NAME_BLOB subject{static_cast<DWORD>(name.size()), name.data()};
  if (!CertStrToNameW(X509_ASN_ENCODING, L"CN=contract.example.net", CERT_X500_NAME_STR, nullptr, name.data(),
                      &subject.cbData, nullptr)) {
    return fail(last_error("cannot encode a name"));
  }
  CRYPT_ALGORITHM_IDENTIFIER sha256{};
  std::string oid = szOID_RSA_SHA256RSA;
  sha256.pszObjId = oid.data();
  UniqueCertificate made{
      CertCreateSelfSignCertificate(provider.get(), &subject, 0, &link, &sha256, nullptr, nullptr, nullptr)};
  if (!made) return fail(last_error("cannot make a certificate"));
  // Not all systems take the link over from the call.
  if (!CertSetCertificateContextProperty(made.get(), CERT_KEY_PROV_INFO_PROP_ID, 0, &link)) {
    return fail(last_error("cannot link the certificate to its key"));
  }
  return made;
}

}  // namespace

Status make_test_store() {
  if (!open_store()) return fail(last_error("cannot make a certificate store"));
  return {};
}

Result<std::string> make_certificate_with_key() {
  auto container = win32::widen(k_test_container);
  const auto provider = make_key(container);
  if (!provider) return fail(provider.error());
  std::wstring provider_name = MS_ENH_RSA_AES_PROV_W;
  CRYPT_KEY_PROV_INFO link{};
  link.pwszContainerName = container.data();
  link.pwszProvName = provider_name.data();
  link.dwProvType = PROV_RSA_AES;
  link.dwFlags = CRYPT_MACHINE_KEYSET;
  link.dwKeySpec = AT_KEYEXCHANGE;
  const auto certificate = self_sign(*provider, link);
  if (!certificate) return fail(certificate.error());
  const auto store = open_store();
  if (!store ||
      !CertAddCertificateContextToStore(store.get(), certificate->get(), CERT_STORE_ADD_REPLACE_EXISTING, nullptr)) {
    return fail(last_error("cannot add a certificate"));
  }
  std::array<unsigned char, 20> sha1{};
  DWORD size = sha1.size();
  if (!CertGetCertificateContextProperty(certificate->get(), CERT_SHA1_HASH_PROP_ID, sha1.data(), &size)) {
    return fail(last_error("cannot read a thumbprint"));
  }
  return to_hex(sha1);
}

void remove_test_store() {
  UniqueProvider ignored;
  CryptAcquireContextW(ignored.out(), win32::widen(k_test_container).c_str(), MS_ENH_RSA_AES_PROV_W, PROV_RSA_AES,
                       CRYPT_MACHINE_KEYSET | CRYPT_SILENT | CRYPT_DELETEKEYSET);
  ignored.release();  // A deleted one has no handle.
  const auto name = win32::widen(k_test_store);
  CertUnregisterSystemStore(name.c_str(), CERT_SYSTEM_STORE_LOCAL_MACHINE | CERT_STORE_DELETE_FLAG);
}

}  // namespace rdpmend::contract
