#include "agent-lib/win32/registry.hpp"

#include <fmt/format.h>

#include <cstring>

#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/security_descriptor.hpp"
#include "agent-lib/win32/text.hpp"

namespace rdpmend::win32 {

namespace {

constexpr DWORD k_max_value_bytes = 1 << 20;
constexpr DWORD k_max_name_units =
    16384;  // https://learn.microsoft.com/windows/win32/sysinfo/registry-element-size-limits
constexpr int k_max_readings = 8;
constexpr DWORD k_settle_ms = 100;

bool is_absent(LSTATUS status) {
  return status == ERROR_FILE_NOT_FOUND || status == ERROR_PATH_NOT_FOUND || status == ERROR_KEY_DELETED;
}

struct RawValue {
  DWORD type = REG_NONE;
  std::vector<unsigned char> bytes;
};

// RegGetValue, unlike RegQueryValueEx, ends texts with a NUL that are stored without one.
Result<std::optional<RawValue>> read_raw(HKEY key, const std::wstring& name, std::string_view doing) {
  RawValue raw;
  DWORD size = 256;
  while (size <= k_max_value_bytes) {
    raw.bytes.resize(size);
    const auto status =
        RegGetValueW(key, nullptr, name.c_str(), RRF_RT_ANY | RRF_NOEXPAND, &raw.type, raw.bytes.data(), &size);
    if (is_absent(status)) return std::nullopt;
    if (status == ERROR_SUCCESS) {
      raw.bytes.resize(size);
      return raw;
    }
    if (status != ERROR_MORE_DATA) return fail(win32_error(doing, static_cast<DWORD>(status)));
    // Somebody may write a longer one between two calls.
    size = std::max(size, static_cast<DWORD>(raw.bytes.size())) * 2;
  }
  return fail(ErrorCode::exhausted, fmt::format("{}: it is longer than {} bytes", doing, k_max_value_bytes));
}

std::string text_of(const std::vector<unsigned char>& bytes) {
  std::wstring text(bytes.size() / sizeof(wchar_t), L'\0');
  if (!text.empty()) std::memcpy(text.data(), bytes.data(), text.size() * sizeof(wchar_t));
  return narrow(text.substr(0, text.find(L'\0')));
}

// Tells whether a key's values have been changed.
struct KeyVersion {
  std::uint64_t written = 0;
  DWORD values = 0;
  bool operator==(const KeyVersion&) const = default;
};

Result<KeyVersion> version_of(HKEY key, std::string_view doing) {
  FILETIME written{};
  DWORD values = 0;
  const auto status = RegQueryInfoKeyW(key, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, &values, nullptr,
                                       nullptr, nullptr, &written);
  if (status != ERROR_SUCCESS) return fail(win32_error(doing, static_cast<DWORD>(status)));
  return KeyVersion{(std::uint64_t{written.dwHighDateTime} << 32U) | written.dwLowDateTime, values};
}

Status read_texts(HKEY key, DWORD count, std::string_view doing,
                  const std::function<void(std::string name, std::string data)>& take) {
  std::wstring name(k_max_name_units, L'\0');
  std::vector<unsigned char> data(k_max_value_bytes);
  for (DWORD index = 0; index < count; ++index) {
    DWORD units = k_max_name_units;
    DWORD size = k_max_value_bytes;
    DWORD type = REG_NONE;
    const auto status = RegEnumValueW(key, index, name.data(), &units, nullptr, &type, data.data(), &size);
    if (status == ERROR_NO_MORE_ITEMS) return {};
    if (status == ERROR_MORE_DATA) continue;
    if (status != ERROR_SUCCESS) return fail(win32_error(doing, static_cast<DWORD>(status)));
    if (type != REG_SZ) continue;
    take(narrow({name.data(), units}), text_of({data.begin(), data.begin() + size}));
  }
  return {};
}

// A symbolic link at the end of the path is opened itself and never followed, so what is written lands in the key that
// was named or nowhere. CurrentControlSet, in the middle, is a link of Windows' own and is followed.
// https://learn.microsoft.com/windows/win32/api/winreg/nf-winreg-regopenkeyexw (REG_OPTION_OPEN_LINK)
Result<UniqueKey> open_unfollowed(std::string_view key, REGSAM rights) {
  UniqueKey opened;
  const auto status = RegOpenKeyExW(HKEY_LOCAL_MACHINE, widen(key).c_str(), REG_OPTION_OPEN_LINK,
                                    rights | KEY_WOW64_64KEY, opened.out());
  if (status != ERROR_SUCCESS) {
    return fail(win32_error(fmt::format("cannot open HKLM\\{}", key), static_cast<DWORD>(status)));
  }
  return opened;
}

Result<UniqueKey> open_to_write(std::string_view key) {
  const auto looked_at = open_unfollowed(key, KEY_QUERY_VALUE);
  if (!looked_at) return fail(looked_at.error());
  DWORD type = REG_NONE;
  const auto status = RegQueryValueExW(looked_at->get(), L"SymbolicLinkValue", nullptr, &type, nullptr, nullptr);
  if (status == ERROR_SUCCESS && type == REG_LINK) {
    return fail(ErrorCode::denied, fmt::format("HKLM\\{} is a symbolic link: nothing is written to it", key),
                "Find out who put a link where Windows has a key.");
  }
  return open_unfollowed(key, KEY_SET_VALUE);
}

struct TypedBytes {
  DWORD type;
  std::vector<unsigned char> bytes;
};

TypedBytes with_type(DWORD type, const void* data, std::size_t size) {
  const auto* begin = static_cast<const unsigned char*>(data);
  return {type, {begin, begin + size}};
}

TypedBytes text_bytes(DWORD type, const std::string& text) {
  const auto wide = widen(text);
  return with_type(type, wide.c_str(), (wide.size() + 1) * sizeof(wchar_t));
}

TypedBytes stored_form(const RegistryValue& value) {
  if (const auto* number = std::get_if<std::uint32_t>(&value)) return with_type(REG_DWORD, number, sizeof(*number));
  if (const auto* text = std::get_if<std::string>(&value)) return text_bytes(REG_SZ, *text);
  if (const auto* text = std::get_if<ExpandableText>(&value)) return text_bytes(REG_EXPAND_SZ, text->text);
  const auto& binary = std::get<RegistryBinary>(value);
  return with_type(REG_BINARY, binary.data(), binary.size());
}

}  // namespace

Result<UniqueKey> open_key(std::string_view key, REGSAM rights) {
  UniqueKey opened;
  const auto status = RegOpenKeyExW(HKEY_LOCAL_MACHINE, widen(key).c_str(), 0, rights | KEY_WOW64_64KEY, opened.out());
  if (status != ERROR_SUCCESS && !is_absent(status)) {
    return fail(win32_error(fmt::format("cannot open HKLM\\{}", key), static_cast<DWORD>(status)));
  }
  return opened;
}

Result<std::optional<RegistryValue>> Win32Registry::value(std::string_view key, std::string_view name) const {
  const auto opened = open_key(key, KEY_QUERY_VALUE);
  if (!opened) return fail(opened.error());
  if (!*opened) return std::nullopt;
  const auto raw = read_raw(opened->get(), widen(name), fmt::format("cannot read HKLM\\{}\\{}", key, name));
  if (!raw) return fail(raw.error());
  if (!*raw) return std::nullopt;
  const auto& [type, bytes] = **raw;
  switch (type) {
    case REG_SZ: return text_of(bytes);
    case REG_EXPAND_SZ: return ExpandableText{text_of(bytes)};
    case REG_BINARY: return bytes;
    case REG_DWORD: {
      std::uint32_t number = 0;
      if (bytes.size() == sizeof(number)) {
        std::memcpy(&number, bytes.data(), sizeof(number));
        return number;
      }
      break;
    }
    default: break;
  }
  return fail(ErrorCode::unsupported, fmt::format("HKLM\\{}\\{} is of type {}", key, name, type),
              "Only DWORD, text and binary values are known here.");
}

Status for_each_text(std::string_view key, const std::function<void()>& begin,
                     const std::function<void(std::string name, std::string data)>& take) {
  const auto opened = open_key(key, KEY_QUERY_VALUE);
  if (!opened) return fail(opened.error());
  begin();
  if (!*opened) return {};
  const auto doing = fmt::format("cannot list HKLM\\{}", key);
  for (int tried = 0; tried < k_max_readings; ++tried) {
    if (tried != 0) {
      Sleep(k_settle_ms);
      begin();
    }
    const auto before = version_of(opened->get(), doing);
    if (!before) return fail(before.error());
    if (auto read = read_texts(opened->get(), before->values, doing, take); !read) return read;
    const auto after = version_of(opened->get(), doing);
    if (!after) return fail(after.error());
    if (*before == *after) return {};
  }
  // What is left out may be what matters: a rule, say, that shows that another is off on purpose.
  return fail(ErrorCode::unavailable, doing + ": it changes all the time", "Find out what writes it; later may work.");
}

Result<std::optional<v1::FileSecurity>> Win32Registry::security(std::string_view key) const {
  const auto opened = open_key(key, READ_CONTROL);
  if (!opened) return fail(opened.error());
  if (!*opened) return std::nullopt;
  return read_security(opened->get(), fmt::format("cannot read who may use HKLM\\{}", key));
}

Status Win32Registry::set(std::string_view key, std::string_view name, const RegistryValue& value) {
  const auto opened = open_to_write(key);
  if (!opened) return fail(opened.error());
  const auto stored = stored_form(value);
  const auto status = RegSetValueExW(opened->get(), widen(name).c_str(), 0, stored.type, stored.bytes.data(),
                                     static_cast<DWORD>(stored.bytes.size()));
  if (status == ERROR_SUCCESS) return {};
  return fail(win32_error(fmt::format("cannot write HKLM\\{}\\{}", key, name), static_cast<DWORD>(status)));
}

Status Win32Registry::erase(std::string_view key, std::string_view name) {
  const auto opened = open_to_write(key);
  if (!opened) return fail(opened.error());
  const auto status = RegDeleteValueW(opened->get(), widen(name).c_str());
  if (status == ERROR_SUCCESS || status == ERROR_FILE_NOT_FOUND) return {};
  return fail(win32_error(fmt::format("cannot delete HKLM\\{}\\{}", key, name), static_cast<DWORD>(status)));
}

}  // namespace rdpmend::win32
