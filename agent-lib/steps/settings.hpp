// The registry values that a step may write, as a closed table: a repair names a setting, never a path. What is not in
// a row cannot be written by anybody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "agent-lib/host/registry.hpp"
#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/plan.pb.h"

namespace rdpmend {

// What may be written to a setting, and with that its type. Only what a repair needs: nothing here denies Remote
// Desktop or points Windows at another file.
struct NumberRange {  // REG_DWORD
  std::uint32_t least;
  std::uint32_t most;
};
struct OneText {  // REG_SZ, exactly this.
  std::string_view text;
};
struct OneExpandableText {  // REG_EXPAND_SZ, exactly this.
  std::string_view text;
};
struct BytesOfSize {  // REG_BINARY
  std::size_t size;
};
struct Nothing {};  // Deleted only.
using Writable = std::variant<NumberRange, OneText, OneExpandableText, BytesOfSize, Nothing>;

struct SettingRow {
  v1::Setting setting;
  std::string_view key;  // Below HKEY_LOCAL_MACHINE.
  std::string_view name;
  Writable writable;
  bool may_be_deleted = false;
  // A number that is valid is never replaced by a lower one, and one that is absent is left so: nobody knows how strong
  // the default is that stands for it (measured.md L6).
  bool raise_only = false;
  // The one number below those that a repair may write which a loan may write, for a time, over the one that is just
  // above it. nullopt: nothing is lent.
  std::optional<std::uint32_t> lent = std::nullopt;
  // Whether writing it, without any restart, may cost people their connections.
  bool drops_sessions = false;
  // The value below registry_key::k_policy by which Group Policy decides the same thing. While it is there the setting
  // is not written: policy wins anyway, and is never fought. Empty: no policy is known.
  std::string_view policy_twin = {};
  std::string_view meaning = {};  // For people, after a colon.
  std::string_view source = {};   // Of key, type and what may be written; "unproven" where nobody has measured it.
};

std::span<const SettingRow> setting_rows();
// nullptr: this version knows no such setting.
const SettingRow* find_setting(v1::Setting setting);

// What a step writes, lent or not; nullopt: it deletes the value. invalid_argument: the row does not let anybody write
// that.
Result<std::optional<RegistryValue>> wanted_value(const SettingRow& row, const v1::SetSetting& step);
// Whether that is what only a loan may write.
bool is_only_lent(const SettingRow& row, const v1::SetSetting& step);
// Whether a loan may write what is lent over that: denied or conflict says why not.
Status may_lend(const SettingRow& row, const std::optional<RegistryValue>& before);
// Fails with denied if the row forbids to replace `before` by `wanted`: the rule against lowering.
Status may_replace(const SettingRow& row, const std::optional<RegistryValue>& before,
                   const std::optional<RegistryValue>& wanted);

// For people: "RDP-Tcp\PortNumber"; "3389", "'Remote Desktop'", "0xAB12..", "absent".
std::string name_of(const SettingRow& row);
std::string to_text(const std::optional<RegistryValue>& value);

// A value as it stands in the journal, and back.
v1::SettingState to_state(const std::optional<RegistryValue>& value);
std::optional<RegistryValue> from_state(const v1::SettingState& state);

}  // namespace rdpmend
