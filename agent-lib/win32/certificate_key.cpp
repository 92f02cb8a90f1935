#include "agent-lib/win32/certificate_key.hpp"

#include <fmt/format.h>

#include <algorithm>
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
constexpr std::size_t k_max_signature_bytes = 2048;  // Of a key of 16,384 bits, the longest that CryptoAPI makes.

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

// Whose machine keys are files in RSA\MachineKeys, named after their container.
// https://learn.microsoft.com/windows/win32/seccng/key-storage-and-retrieval
bool keeps_files(const wchar_t* provider) {
  constexpr std::array k_providers{MS_DEF_PROV_W, MS_ENHANCED_PROV_W, MS_STRONG_PROV_W, MS_ENH_RSA_AES_PROV_W,
                                   MS_DEF_RSA_SCHANNEL_PROV_W};
  return provider != nullptr && std::any_of(k_providers.begin(), k_providers.end(),
                                            [&](const wchar_t* known) { return same_name(known, provider); });
}

ContainerFile look_at_file(const std::wstring& path) {
  const UniqueFile file{CreateFileW(path.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                    nullptr, OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT, nullptr)};
  if (!file) {
    const DWORD code = GetLastError();
    if (code == ERROR_FILE_NOT_FOUND) return ContainerFile::absent;
    return code == ERROR_ACCESS_DENIED ? ContainerFile::denied : ContainerFile::unknown;
  }
  LARGE_INTEGER size{};
  if (!GetFileSizeEx(file.get(), &size)) return ContainerFile::unknown;
  return size.QuadPart == 0 ? ContainerFile::empty : ContainerFile::readable;
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

struct CryptKeyTraits {
  using Raw = HCRYPTKEY;
  static Raw none() { return 0; }
  static void close(Raw raw) { CryptDestroyKey(raw); }
};

struct HashTraits {
  using Raw = HCRYPTHASH;
  static Raw none() { return 0; }
  static void close(Raw raw) { CryptDestroyHash(raw); }
};

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

ContainerFile look_at_container(const LinkProperty& link) {
  if (link->pwszContainerName == nullptr || (link->dwFlags & CRYPT_MACHINE_KEYSET) == 0 ||
      !keeps_files(link->pwszProvName)) {
    return ContainerFile::unknown;
  }
  const auto guid = read_text(Win32Registry{}, registry_key::k_cryptography, "MachineGuid");
  if (!guid || !*guid) return ContainerFile::unknown;
  const auto path =
      key_file_path(k_machine_keys_folder, machine_key_file_name(narrow(link->pwszContainerName), **guid));
  return path ? look_at_file(*path) : ContainerFile::unknown;
}

bool is_denial(DWORD code) {
  return is_one_of(code, {NTE_PERM, NTE_SILENT_CONTEXT, E_ACCESSDENIED}) || code == ERROR_ACCESS_DENIED;
}

Error cannot_use(DWORD code) {
  return win32_error("cannot use the certificate's private key", code);
}

// A key of CNG: the function does what else would be needed of NCrypt. That one "does not exist" CNG also says of a key
// that may not be read, and nothing but the key itself tells the name of its file: so it is never called missing.
// https://learn.microsoft.com/windows/win32/api/wincrypt/nf-wincrypt-cryptacquirecertificateprivatekey
Result<KeyUse> try_cng_key(PCCERT_CONTEXT certificate) {
  constexpr DWORD k_flags = CRYPT_ACQUIRE_NO_HEALING | CRYPT_ACQUIRE_COMPARE_KEY_FLAG | CRYPT_ACQUIRE_SILENT_FLAG |
                            CRYPT_ACQUIRE_ALLOW_NCRYPT_KEY_FLAG;
  HCRYPTPROV_OR_NCRYPT_KEY_HANDLE key = 0;
  DWORD spec = 0;
  BOOL ours = FALSE;
  if (!CryptAcquireCertificatePrivateKey(certificate, k_flags, nullptr, &key, &spec, &ours)) {
    const DWORD code = GetLastError();
    if (is_one_of(code, {NTE_BAD_PUBLIC_KEY})) return KeyUse::mismatch;
    if (is_one_of(code, {NTE_KEYSET_ENTRY_BAD})) return KeyUse::corrupt;
    if (is_denial(code)) return KeyUse::denied;
    return fail(cannot_use(code));
  }
  if (ours && spec == CERT_NCRYPT_KEY_SPEC) NCryptFreeObject(key);
  if (ours && spec != CERT_NCRYPT_KEY_SPEC) CryptReleaseContext(key, 0);
  return KeyUse::usable;
}

// Of an open container. That there is no key of that kind in it is certain.
Result<KeyUse> after_opening(DWORD code) {
  if (is_one_of(code, {NTE_NO_KEY})) return KeyUse::missing;
  if (is_denial(code)) return KeyUse::denied;
  return fail(cannot_use(code));
}

// The public half can be read where the private one cannot be decrypted any more. SHA-1, because the oldest providers
// have nothing else; nothing is protected by it.
// https://learn.microsoft.com/windows/win32/api/wincrypt/nf-wincrypt-cryptsignhashw
Result<KeyUse> try_to_sign(const UniqueProvider& provider, DWORD spec) {
  constexpr std::array<BYTE, 1> k_nothing{};
  UniqueHandle<HashTraits> hash;
  if (!CryptCreateHash(provider.get(), CALG_SHA1, 0, 0, hash.out()) ||
      !CryptHashData(hash.get(), k_nothing.data(), static_cast<DWORD>(k_nothing.size()), 0)) {
    return fail(cannot_use(GetLastError()));
  }
  std::vector<BYTE> signature(k_max_signature_bytes);
  auto size = static_cast<DWORD>(signature.size());
  if (!CryptSignHashW(hash.get(), spec, nullptr, 0, signature.data(), &size)) return after_opening(GetLastError());
  return KeyUse::usable;
}

// A key of CryptoAPI, opened as the link says and nowhere else, compared with the certificate's and used.
Result<KeyUse> try_cryptoapi_key(PCCERT_CONTEXT certificate, const LinkProperty& link) {
  UniqueProvider provider;
  const DWORD flags = (link->dwFlags & CRYPT_MACHINE_KEYSET) | CRYPT_SILENT;
  if (!CryptAcquireContextW(provider.out(), link->pwszContainerName, link->pwszProvName, link->dwProvType, flags)) {
    const DWORD code = GetLastError();
    return meaning_of_failure(code, look_at_container(link));
  }
  DWORD size = 0;
  if (!CryptExportPublicKeyInfo(provider.get(), link->dwKeySpec, X509_ASN_ENCODING, nullptr, &size)) {
    return after_opening(GetLastError());
  }
  std::vector<std::uint64_t> buffer(size / sizeof(std::uint64_t) + 1);
  auto* key = reinterpret_cast<CERT_PUBLIC_KEY_INFO*>(buffer.data());
  if (!CryptExportPublicKeyInfo(provider.get(), link->dwKeySpec, X509_ASN_ENCODING, key, &size)) {
    return after_opening(GetLastError());
  }
  if (!CertComparePublicKeyInfo(X509_ASN_ENCODING, key, &certificate->pCertInfo->SubjectPublicKeyInfo)) {
    return KeyUse::mismatch;
  }
  return try_to_sign(provider, link->dwKeySpec);
}

// The listener's provider (measured.md K7) and flags.
bool acquire(UniqueProvider& provider, const std::wstring& container, DWORD what) {
  return CryptAcquireContextW(provider.out(), container.c_str(), MS_ENHANCED_PROV_W, PROV_RSA_FULL,
                              what | CRYPT_MACHINE_KEYSET | CRYPT_SILENT) != FALSE;
}

Status generate_key(const std::wstring& container) {
  constexpr DWORD k_2048_bits = 2048U << 16U;
  UniqueProvider provider;
  if (!acquire(provider, container, CRYPT_NEWKEYSET))
    return fail(last_error("cannot make a container for a machine key"));
  UniqueHandle<CryptKeyTraits> key;
  if (!CryptGenKey(provider.get(), AT_KEYEXCHANGE, k_2048_bits, key.out())) {
    return fail(last_error("cannot make a machine key"));
  }
  return {};
}

Status delete_container(const std::wstring& container) {
  UniqueProvider undefined;  // After the deletion:
                             // https://learn.microsoft.com/windows/win32/api/wincrypt/nf-wincrypt-cryptacquirecontextw
  const bool deleted = acquire(undefined, container, CRYPT_DELETEKEYSET);
  auto error = last_error("cannot delete the trial key");
  undefined.release();
  if (!deleted) return fail(std::move(error));
  return {};
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

// "The keyset does not exist" CryptoAPI also says of a file that it may not read. One that is there and that we may
// read can only be damaged. https://learn.microsoft.com/windows/win32/api/wincrypt/nf-wincrypt-cryptacquirecontextw
Result<KeyUse> meaning_of_failure(DWORD code, ContainerFile file) {
  if (is_one_of(code, {NTE_KEYSET_ENTRY_BAD})) return KeyUse::corrupt;
  if (is_denial(code)) return KeyUse::denied;
  if (!is_one_of(code, {NTE_BAD_KEYSET, NTE_NOT_FOUND}) && code != ERROR_FILE_NOT_FOUND) return fail(cannot_use(code));
  switch (file) {
    case ContainerFile::absent: return KeyUse::missing;
    case ContainerFile::denied: return KeyUse::denied;
    case ContainerFile::empty:
    case ContainerFile::readable: return KeyUse::corrupt;
    case ContainerFile::unknown: break;
  }
  auto error = cannot_use(code);
  error.code = ErrorCode::unavailable;  // Not found, or not for us.
  return fail(std::move(error));
}

Result<KeyUse> try_certificate_key(PCCERT_CONTEXT certificate) {
  const LinkProperty link(certificate);
  if (!link) return KeyUse::missing;
  return link->dwProvType == 0 ? try_cng_key(certificate) : try_cryptoapi_key(certificate, link);
}

Status make_trial_key() {
  const auto container = L"rdpmend-trial-" + std::to_wstring(GetCurrentProcessId());
  (void)delete_container(container);  // Left by a process of this number that died meanwhile, or none.
  auto made = generate_key(container);
  auto deleted = delete_container(container);
  return made ? deleted : made;
}

}  // namespace rdpmend::win32
