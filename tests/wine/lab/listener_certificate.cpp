#include "tests/wine/lab/listener_certificate.hpp"

#include <windows.h>
//
#include <wincrypt.h>

#include <memory>
#include <stdexcept>

#include "tests/wine/lab/lab_registry.hpp"
#include "tests/wine/lab/listener_key.hpp"
#include "tests/wine/lab/text.hpp"

namespace rdpmend::lab {

namespace {

using Bytes = std::vector<unsigned char>;

constexpr DWORD k_encoding = X509_ASN_ENCODING | PKCS_7_ASN_ENCODING;
constexpr DWORD k_rsa_2048 = 2048u << 16;

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error(std::string(what) + ": error " + std::to_string(GetLastError()));
}
void must(BOOL done, const char* what) {
  if (!done) fail(what);
}

struct CloseStore {
  void operator()(void* store) const { CertCloseStore(store, 0); }
};
using Store = std::unique_ptr<void, CloseStore>;
struct FreeCertificate {
  void operator()(const CERT_CONTEXT* certificate) const { CertFreeCertificateContext(certificate); }
};
using Certificate = std::unique_ptr<const CERT_CONTEXT, FreeCertificate>;

struct Provider {
  HCRYPTPROV handle = 0;
  ~Provider() {
    if (handle) CryptReleaseContext(handle, 0);
  }
};
struct Key {
  HCRYPTKEY handle = 0;
  ~Key() {
    if (handle) CryptDestroyKey(handle);
  }
};

Store open_store(const std::wstring& name) {
  return Store(CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_LOCAL_MACHINE, name.c_str()));
}

Certificate find_in(const Store& store, Bytes& sha1) {
  CRYPT_HASH_BLOB blob{static_cast<DWORD>(sha1.size()), sha1.data()};
  return Certificate(CertFindCertificateInStore(store.get(), k_encoding, 0, CERT_FIND_SHA1_HASH, &blob, nullptr));
}

Seconds to_seconds(const FILETIME& time) {
  constexpr std::int64_t k_epoch = 11'644'473'600;  // 1601 to 1970.
  const auto ticks = std::int64_t{time.dwHighDateTime} << 32 | time.dwLowDateTime;
  return Seconds(std::chrono::seconds(ticks / 10'000'000 - k_epoch));
}

SYSTEMTIME to_system_time(Seconds time) {
  constexpr std::int64_t k_epoch = 11'644'473'600;
  const auto ticks = static_cast<std::uint64_t>(time.time_since_epoch().count() + k_epoch) * 10'000'000;
  const FILETIME file_time{static_cast<DWORD>(ticks), static_cast<DWORD>(ticks >> 32)};
  SYSTEMTIME parts{};
  must(FileTimeToSystemTime(&file_time, &parts), "not a time");
  return parts;
}

std::wstring key_container_of(PCCERT_CONTEXT certificate) {
  DWORD size = 0;
  if (!CertGetCertificateContextProperty(certificate, CERT_KEY_PROV_INFO_PROP_ID, nullptr, &size)) return {};
  std::vector<std::uint64_t> buffer(size / 8 + 1);
  if (!CertGetCertificateContextProperty(certificate, CERT_KEY_PROV_INFO_PROP_ID, buffer.data(), &size)) return {};
  return reinterpret_cast<const CRYPT_KEY_PROV_INFO*>(buffer.data())->pwszContainerName;
}

std::optional<ListenerCertificate> find_in_store(const std::wstring& store_name, Bytes sha1) {
  const auto store = open_store(store_name);
  const auto found = store ? find_in(store, sha1) : nullptr;
  if (!found) return std::nullopt;
  ListenerCertificate certificate;
  certificate.sha1 = std::move(sha1);
  certificate.der.assign(found->pbCertEncoded, found->pbCertEncoded + found->cbCertEncoded);
  certificate.key_container = key_container_of(found.get());
  certificate.not_before = to_seconds(found->pCertInfo->NotBefore);
  certificate.not_after = to_seconds(found->pCertInfo->NotAfter);
  return certificate;
}

void make_container(Provider& provider) {
  const std::wstring container(k_key_container), name(k_key_provider);
  HCRYPTPROV ignored = 0;
  CryptAcquireContextW(&ignored, container.c_str(), name.c_str(), PROV_RSA_FULL,
                       CRYPT_DELETEKEYSET | CRYPT_MACHINE_KEYSET | CRYPT_SILENT);
  must(CryptAcquireContextW(&provider.handle, container.c_str(), name.c_str(), PROV_RSA_FULL,
                            CRYPT_NEWKEYSET | CRYPT_MACHINE_KEYSET | CRYPT_SILENT),
       "cannot make the key container");
}

Bytes export_key(const Key& key) {
  DWORD size = 0;
  must(CryptExportKey(key.handle, 0, PRIVATEKEYBLOB, 0, nullptr, &size), "cannot export the key");
  Bytes blob(size);
  must(CryptExportKey(key.handle, 0, PRIVATEKEYBLOB, 0, blob.data(), &size), "cannot export the key");
  return blob;
}

Bytes encode(LPCSTR type, const void* value) {
  DWORD size = 0;
  must(CryptEncodeObject(X509_ASN_ENCODING, type, value, nullptr, &size), "cannot encode");
  Bytes out(size);
  must(CryptEncodeObject(X509_ASN_ENCODING, type, value, out.data(), &size), "cannot encode");
  out.resize(size);
  return out;
}

CRYPT_DATA_BLOB blob(Bytes& bytes) {
  return {static_cast<DWORD>(bytes.size()), bytes.data()};
}

// The container's own provider cannot sign with SHA-256; this one opens the same container.
void open_for_signing(Provider& provider) {
  const std::wstring container(k_key_container);
  must(CryptAcquireContextW(&provider.handle, container.c_str(), MS_ENH_RSA_AES_PROV_W, PROV_RSA_AES,
                            CRYPT_MACHINE_KEYSET | CRYPT_SILENT),
       "cannot open the key container");
}

// Server Authentication; digital signature, key and data encipherment; SHA-256: as Windows makes it.
Certificate self_sign(CRYPT_KEY_PROV_INFO& link, Seconds not_before, Seconds not_after) {
  Bytes name(512);
  auto name_size = static_cast<DWORD>(name.size());
  const auto subject = L"CN=" + widen(full_computer_name());
  must(
      CertStrToNameW(X509_ASN_ENCODING, subject.c_str(), CERT_X500_NAME_STR, nullptr, name.data(), &name_size, nullptr),
      "cannot encode the subject");
  name.resize(name_size);
  auto name_blob = blob(name);

  char server_authentication[] = szOID_PKIX_KP_SERVER_AUTH;
  LPSTR usages[] = {server_authentication};
  const CERT_ENHKEY_USAGE enhanced{1, usages};
  auto enhanced_der = encode(X509_ENHANCED_KEY_USAGE, &enhanced);
  BYTE usage_bits =
      CERT_DIGITAL_SIGNATURE_KEY_USAGE | CERT_KEY_ENCIPHERMENT_KEY_USAGE | CERT_DATA_ENCIPHERMENT_KEY_USAGE;
  CRYPT_BIT_BLOB usage{1, &usage_bits, 4};
  auto usage_der = encode(X509_KEY_USAGE, &usage);
  char enhanced_id[] = szOID_ENHANCED_KEY_USAGE, usage_id[] = szOID_KEY_USAGE;
  CERT_EXTENSION extensions[] = {{enhanced_id, FALSE, blob(enhanced_der)}, {usage_id, FALSE, blob(usage_der)}};
  CERT_EXTENSIONS all_extensions{2, extensions};

  char algorithm_id[] = szOID_RSA_SHA256RSA;
  CRYPT_ALGORITHM_IDENTIFIER algorithm{algorithm_id, {}};
  auto from = to_system_time(not_before), until = to_system_time(not_after);
  Provider provider;
  open_for_signing(provider);
  Certificate made(
      CertCreateSelfSignCertificate(provider.handle, &name_blob, 0, &link, &algorithm, &from, &until, &all_extensions));
  if (!made) fail("cannot make the certificate");
  return made;
}

}  // namespace

std::string hex(const std::vector<unsigned char>& bytes) {
  constexpr char k_digits[] = "0123456789ABCDEF";
  std::string out;
  for (const auto byte : bytes) out += {k_digits[byte >> 4], k_digits[byte & 15]};
  return out;
}

std::optional<ListenerCertificate> find_self_signed_certificate() {
  const auto key = RegistryKey::open(k_win_stations);
  const auto sha1 = key ? key->binary(L"SelfSignedCertificate") : std::nullopt;
  const auto store = key ? key->text(L"SelfSignedCertStore") : std::nullopt;
  if (!sha1 || !store || sha1->size() != 20) return std::nullopt;
  return find_in_store(*store, *sha1);
}

std::optional<ListenerCertificate> find_listener_certificate() {
  const auto key = RegistryKey::open(k_rdp_tcp);
  const auto bound = key ? key->binary(L"SSLCertificateSHA1Hash") : std::nullopt;
  if (bound && bound->size() == 20) {
    if (auto found = find_in_store(L"My", *bound)) return found;
  }
  return find_self_signed_certificate();
}

ListenerCertificate make_self_signed_certificate(Seconds not_before, Seconds not_after) {
  {
    Provider provider;
    Key key;
    make_container(provider);
    must(CryptGenKey(provider.handle, AT_KEYEXCHANGE, k_rsa_2048 | CRYPT_EXPORTABLE, &key.handle), "cannot make a key");
    write_listener_key(export_key(key));
  }  // Wine writes the container when it is closed.

  std::wstring container(k_key_container), name(k_key_provider);
  CRYPT_KEY_PROV_INFO link{container.data(), name.data(),   PROV_RSA_FULL, CRYPT_MACHINE_KEYSET, 0,
                           nullptr,          AT_KEYEXCHANGE};
  const auto made = self_sign(link, not_before, not_after);
  // Wine forgets the link otherwise.
  must(CertSetCertificateContextProperty(made.get(), CERT_KEY_PROV_INFO_PROP_ID, 0, &link), "cannot link the key");
  auto store = open_store(L"Remote Desktop");
  if (!store) fail("cannot open the Remote Desktop store");
  must(CertAddCertificateContextToStore(store.get(), made.get(), CERT_STORE_ADD_REPLACE_EXISTING, nullptr),
       "cannot keep the certificate");
  store.reset();  // Wine writes it when it is closed.

  Bytes sha1(20);
  DWORD size = 20;
  must(CertGetCertificateContextProperty(made.get(), CERT_SHA1_HASH_PROP_ID, sha1.data(), &size), "no thumbprint");
  RegistryKey::create(k_win_stations).set_binary(L"SelfSignedCertificate", sha1);
  auto found = find_in_store(L"Remote Desktop", sha1);
  if (!found) throw std::runtime_error("the new certificate is not in the store");
  return *found;
}

void remove_self_signed_certificate(const std::vector<unsigned char>& sha1) {
  auto wanted = sha1;
  const auto store = open_store(L"Remote Desktop");
  if (auto found = find_in(store, wanted)) CertDeleteCertificateFromStore(found.release());
}

std::string full_computer_name() {
  std::wstring name(256, L'\0');
  auto size = static_cast<DWORD>(name.size());
  GetComputerNameExW(ComputerNameDnsFullyQualified, name.data(), &size);
  return narrow(name.substr(0, size));
}

}  // namespace rdpmend::lab
