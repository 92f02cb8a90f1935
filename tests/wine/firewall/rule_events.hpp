// What the firewall logs when a local rule is added, changed or removed.
#pragma once

#include <string>

#include "tests/wine/lab/firewall_store.hpp"

namespace rdpmend::lab {

enum class RuleChange { added, changed, deleted };
void log_rule_change(RuleChange change, const std::wstring& id, const RuleText& rule);

}  // namespace rdpmend::lab
