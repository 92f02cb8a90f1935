// Registry values that adapters and faults read: where they are, of which type, and within which bounds.
#include <fmt/format.h>

#include <limits>

#include "agent-lib/events/ascii.hpp"
#include "agent-lib/knowledge/stock_host.hpp"
#include "agent-lib/support/hex.hpp"
#include "service/selftest/checks.hpp"

namespace rdpmend {

namespace {

// Whether there is a value to look at; absent and unreadable ones are told.
template <class Value>
bool there(const Result<std::optional<Value>>& read, bool always, const Assumption& assumption, Checks& checks) {
  if (!read) {
    checks.failed(assumption, read.error());
    return false;
  }
  if (*read) return true;
  if (always) {
    checks.differs(assumption, "no such value");
  } else {
    checks.not_here(assumption, "no such value, so its default is in force");
  }
  return false;
}

// Compares the values of one key.
class KeyChecks {
 public:
  KeyChecks(const Registry& registry, std::string key, Checks& checks)
      : registry_(registry), key_(std::move(key)), checks_(checks) {}

  void operator()(const v1::StockValue& value) {
    if (value.has_dword()) dword(value);
    if (value.has_text()) text(value, value.text().varies() ? std::string() : value.text().value());
    if (value.has_binary()) binary(value);
  }

 private:
  Assumption assume(const v1::StockValue& value, std::string expected) const {
    return {fmt::format("{}\\{}", key_, value.name()), std::move(expected), who_says(value)};
  }

  void dword(const v1::StockValue& value) {
    const auto lowest = value.dword().lowest();
    const auto highest =
        value.dword().has_highest() ? value.dword().highest() : std::numeric_limits<std::uint32_t>::max();
    const auto bounds = !value.dword().has_highest() ? std::string()
                        : lowest == highest          ? fmt::format(", {}", lowest)
                                                     : fmt::format(", {} to {}", lowest, highest);
    const auto assumption = assume(value, "REG_DWORD" + bounds);
    const auto read = read_dword(registry_, key_, value.name());
    if (!there(read, value.always_there(), assumption, checks_)) return;
    checks_.compare(**read >= lowest && **read <= highest, assumption, std::to_string(**read));
  }

  void text(const v1::StockValue& value, const std::string& stock) {
    const auto assumption = assume(value, stock.empty() ? "text" : "text, " + stock);
    const auto read = read_text(registry_, key_, value.name());
    if (!there(read, value.always_there(), assumption, checks_)) return;
    checks_.compare(stock.empty() ? !(*read)->empty() : equals_ignoring_case(**read, stock), assumption, **read);
  }

  void binary(const v1::StockValue& value) {
    const auto assumption = assume(value, fmt::format("REG_BINARY of {} bytes", value.binary().size()));
    const auto read = read_binary(registry_, key_, value.name());
    if (!there(read, value.always_there(), assumption, checks_)) return;
    checks_.compare((*read)->size() == value.binary().size(), assumption, to_hex(**read));
  }

  const Registry& registry_;
  const std::string key_;
  Checks& checks_;
};

}  // namespace

void check_registry(const HostView& host, v1::SelfTestResponse& all) {
  Checks checks("registry", all);
  for (const auto& key : assumed_stock(host.registry).host().keys()) {
    KeyChecks check(host.registry, key.key(), checks);
    for (const auto& value : key.values()) check(value);
  }
  const Assumption boot{R"(SOFTWARE\rdpmend boot\id, a volatile key)", "an id of this start of the host",
                        "https://learn.microsoft.com/windows/win32/api/winreg/nf-winreg-regcreatekeyexw"};
  if (host.identity.boot_id.empty()) return checks.not_checked(boot, "none can be made here, so nothing can be lent");
  checks.holds(boot, host.identity.boot_id);
}

}  // namespace rdpmend
