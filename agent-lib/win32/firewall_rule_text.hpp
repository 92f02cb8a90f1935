// One firewall rule as Windows keeps it in the registry: the value's name is the rule's id, its data this text.
// Grammar: MS-GPFAS 2.2.2.19,
// https://learn.microsoft.com/openspecs/windows_protocols/ms-gpfas/2efe0b76-7b4a-41ff-9050-1023f8196d16
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent-lib/host/firewall.hpp"

namespace rdpmend::win32 {

// nullopt: not a rule ("v2.30|Action=Allow|Active=TRUE|Dir=In|..."), or one for a packaged app. Only read, never
// written: fields differ by build.
std::optional<FirewallRule> parse_rule_text(std::string id, std::string_view text);

}  // namespace rdpmend::win32
