#include "agent-lib/host/registry.hpp"

#include <fmt/format.h>

#include <charconv>
#include <type_traits>

namespace rdpmend {

namespace {
template <class T>
Result<std::optional<T>> read(const Registry& registry, std::string_view key, std::string_view name,
                              std::string_view type) {
  auto value = registry.value(key, name);
  if (!value) return fail(std::move(value).error().context(fmt::format("cannot read HKLM\\{}\\{}", key, name)));
  if (!*value) return std::nullopt;
  if (auto* typed = std::get_if<T>(&**value)) return std::move(*typed);
  if constexpr (std::is_same_v<T, std::string>) {
    if (auto* expandable = std::get_if<ExpandableText>(&**value)) return std::move(expandable->text);
  }
  return fail(ErrorCode::corrupt, fmt::format("HKLM\\{}\\{} is not of type {}", key, name, type));
}
}  // namespace

Result<std::optional<std::uint32_t>> read_dword(const Registry& registry, std::string_view key, std::string_view name) {
  return read<std::uint32_t>(registry, key, name, "REG_DWORD");
}
Result<std::optional<std::string>> read_text(const Registry& registry, std::string_view key, std::string_view name) {
  return read<std::string>(registry, key, name, "REG_SZ");
}
Result<std::optional<RegistryBinary>> read_binary(const Registry& registry, std::string_view key,
                                                  std::string_view name) {
  return read<RegistryBinary>(registry, key, name, "REG_BINARY");
}

Result<std::optional<std::uint32_t>> windows_build(const Registry& registry) {
  const auto text = read_text(registry, registry_key::k_current_version, "CurrentBuildNumber");
  if (!text) return fail(text.error());
  std::uint32_t build = 0;
  if (!*text || std::from_chars((*text)->data(), (*text)->data() + (*text)->size(), build).ec != std::errc{}) {
    return std::nullopt;
  }
  return build;
}

}  // namespace rdpmend
