#include "agent-lib/win32/certificate_key.hpp"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "agent-lib/host/key_files.hpp"
#include "agent-lib/win32/key_files.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/registry.hpp"
#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"

#include <ncrypt.h>

namespace rdpmend::win32 {

namespace {

constexpr DWORD k_max_link_bytes = 64 * 1024;

// CNG's key storage providers have type 0; CryptoAPI's providers are listed with their type.
// https://learn.microsoft.com/windows/win32/api/wincrypt/ns-wincrypt-crypt_key_prov_info
DWORD provider_type(const std::wstring& provider) {
  std::array<wchar_t, 512> name{};
  for (DWORD index = 0;; ++index) {
    DWORD type = 0;
    auto size = static_cast<DWORD>(name.size() * sizeof(wchar_t));
    if (!CryptEnumProvidersW(index, nullptr, 0, &type, name.data(), &size)) {
      if (GetLastError() == ERROR_MORE_DATA) continue;
      return 0;
    }
    if (same_name(name.data(), provider)) return type;
  }
}

// "The keyset does not exist" is also what CryptoAPI says of a key file that it may not read: the folder tells.
KeyUse missing_or_denied(PCCERT_CONTEXT certificate) {
  const auto link = read_key_link(certificate);
  const auto guid = read_text(Win32Registry{}, registry_key::k_cryptography, "MachineGuid");
  if (!link || !guid || !*guid) return KeyUse::missing;
  const auto path = key_file_path(k_machine_keys_folder, machine_key_file_name(link->container, **guid));
  // Listing needs no right to the file itself, only to its folder.
  return path && GetFileAttributesW(path->c_str()) != INVALID_FILE_ATTRIBUTES ? KeyUse::denied : KeyUse::missing;
}

bool is_one_of(DWORD code, std::initializer_list<HRESULT> known) {
  for (const auto one : known) {
    if (static_cast<DWORD>(one) == code) return true;
  }
  return false;
}

struct ProviderTraits {
  using Raw = HCRYPTPROV;
  static Raw none() { return 0; }
  static void close(Raw raw) { CryptReleaseContext(raw, 0); }
};
using UniqueProvider = UniqueHandle<ProviderTraits>;

// CRYPT_KEY_PROV_INFO with the texts that it points to. Empty: no key is linked.
class LinkProperty {
 public:
  explicit LinkProperty(PCCERT_CONTEXT certificate) {
    DWORD size = 0;
    if (!CertGetCertificateContextProperty(certificate, CERT_KEY_PROV_INFO_PROP_ID, nullptr, &size)) return;
    if (size < sizeof(CRYPT_KEY_PROV_INFO) || size > k_max_link_bytes) return;
    buffer_.resize(size / sizeof(std::uint64_t) + 1);
    if (!CertGetCertificateContextProperty(certificate, CERT_KEY_PROV_INFO_PROP_ID, buffer_.data(), &size)) {
      buffer_.clear();
    }
  }
  explicit operator bool() const { return !buffer_.empty(); }
  const CRYPT_KEY_PROV_INFO* operator->() const { return reinterpret_cast<const CRYPT_KEY_PROV_INFO*>(buffer_.data()); }

 private:
  std::vector<std::uint64_t> buffer_;
};

Result<KeyUse> use_after_failure(PCCERT_CONTEXT certificate, DWORD code) {
  if (is_one_of(code, {NTE_BAD_PUBLIC_KEY})) return KeyUse::mismatch;
  if (is_one_of(code, {CRYPT_E_NO_KEY_PROPERTY})) return KeyUse::missing;
  if (is_one_of(code, {NTE_BAD_KEYSET, NTE_NO_KEY, NTE_NOT_FOUND, NTE_KEYSET_NOT_DEF}) ||
      code == ERROR_FILE_NOT_FOUND) {
    return missing_or_denied(certificate);
  }
  if (is_one_of(code, {NTE_PERM, NTE_SILENT_CONTEXT, E_ACCESSDENIED}) || code == ERROR_ACCESS_DENIED) {
    return KeyUse::denied;
  }
  return fail(win32_error("cannot open the certificate's private key", code));
}

// A key of CNG: the function does what else would be needed of NCrypt.
// https://learn.microsoft.com/windows/win32/api/wincrypt/nf-wincrypt-cryptacquirecertificateprivatekey
Result<KeyUse> try_cng_key(PCCERT_CONTEXT certificate) {
  constexpr DWORD k_flags = CRYPT_ACQUIRE_NO_HEALING | CRYPT_ACQUIRE_COMPARE_KEY_FLAG | CRYPT_ACQUIRE_SILENT_FLAG |
                            CRYPT_ACQUIRE_ALLOW_NCRYPT_KEY_FLAG;
  HCRYPTPROV_OR_NCRYPT_KEY_HANDLE key = 0;
  DWORD spec = 0;
  BOOL ours = FALSE;
  if (!CryptAcquireCertificatePrivateKey(certificate, k_flags, nullptr, &key, &spec, &ours)) {
    return use_after_failure(certificate, GetLastError());
  }
  if (ours && spec == CERT_NCRYPT_KEY_SPEC) NCryptFreeObject(key);
  if (ours && spec != CERT_NCRYPT_KEY_SPEC) CryptReleaseContext(key, 0);
  return KeyUse::usable;
}

// A key of CryptoAPI, opened as the link says and nowhere else, and compared with the certificate's.
Result<KeyUse> try_cryptoapi_key(PCCERT_CONTEXT certificate, const LinkProperty& link) {
  UniqueProvider provider;
  const DWORD flags = (link->dwFlags & CRYPT_MACHINE_KEYSET) | CRYPT_SILENT;
  if (!CryptAcquireContextW(provider.out(), link->pwszContainerName, link->pwszProvName, link->dwProvType, flags)) {
    return use_after_failure(certificate, GetLastError());
  }
  DWORD size = 0;
  if (!CryptExportPublicKeyInfo(provider.get(), link->dwKeySpec, X509_ASN_ENCODING, nullptr, &size)) {
    return use_after_failure(certificate, GetLastError());
  }
  std::vector<std::uint64_t> buffer(size / sizeof(std::uint64_t) + 1);
  auto* key = reinterpret_cast<CERT_PUBLIC_KEY_INFO*>(buffer.data());
  if (!CryptExportPublicKeyInfo(provider.get(), link->dwKeySpec, X509_ASN_ENCODING, key, &size)) {
    return use_after_failure(certificate, GetLastError());
  }
  return CertComparePublicKeyInfo(X509_ASN_ENCODING, key, &certificate->pCertInfo->SubjectPublicKeyInfo)
             ? KeyUse::usable
             : KeyUse::mismatch;
}

}  // namespace

std::optional<KeyLink> read_key_link(PCCERT_CONTEXT certificate) {
  const LinkProperty link(certificate);
  if (!link) return std::nullopt;
  const auto text = [](const wchar_t* wide) { return wide == nullptr ? std::string{} : narrow(wide); };
  return KeyLink{text(link->pwszContainerName), text(link->pwszProvName)};
}

Status write_key_link(PCCERT_CONTEXT certificate, const KeyLink& link) {
  auto container = widen(link.container);
  auto provider = widen(link.provider);
  CRYPT_KEY_PROV_INFO info{};
  info.pwszContainerName = container.data();
  info.pwszProvName = provider.data();
  info.dwProvType = provider_type(provider);
  info.dwFlags = CRYPT_MACHINE_KEYSET;
  info.dwKeySpec = info.dwProvType == 0 ? 0 : AT_KEYEXCHANGE;
  if (!CertSetCertificateContextProperty(certificate, CERT_KEY_PROV_INFO_PROP_ID, 0, &info)) {
    return fail(last_error(fmt::format("cannot link the certificate to key {}", link.container)));
  }
  return {};
}

Result<KeyUse> try_key(PCCERT_CONTEXT certificate) {
  const LinkProperty link(certificate);
  if (!link) return KeyUse::missing;
  return link->dwProvType == 0 ? try_cng_key(certificate) : try_cryptoapi_key(certificate, link);
}

}  // namespace rdpmend::win32
