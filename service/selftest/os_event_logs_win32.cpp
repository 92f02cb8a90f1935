// https://learn.microsoft.com/windows/win32/wes/getting-a-provider-s-metadata-
// Looked up at run time: a wevtapi.dll that lacks these still serves the adapters.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <optional>
#include <set>

#include "agent-lib/events/ascii.hpp"
#include "agent-lib/rules/catalogue.hpp"
#include "agent-lib/win32/os.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"
#include "service/selftest/os_checks.hpp"
// After os.hpp.
#include <winevt.h>

namespace rdpmend {

namespace {

using win32::last_error;
using Ids = std::set<std::uint32_t>;

struct Evt {
  decltype(&::EvtOpenChannelConfig) open_channel_config = nullptr;
  decltype(&::EvtGetChannelConfigProperty) channel_config_property = nullptr;
  decltype(&::EvtOpenPublisherMetadata) open_publisher_metadata = nullptr;
  decltype(&::EvtOpenEventMetadataEnum) open_event_metadata_enum = nullptr;
  decltype(&::EvtNextEventMetadata) next_event_metadata = nullptr;
  decltype(&::EvtGetEventMetadataProperty) event_metadata_property = nullptr;
  decltype(&::EvtClose) close = nullptr;
};

template <class Function>
void load(HMODULE module, const char* name, Function& function) {
  function = reinterpret_cast<Function>(reinterpret_cast<void (*)()>(GetProcAddress(module, name)));
}

const Evt& evt() {
  static const Evt functions = [] {
    Evt found;
    const HMODULE module = GetModuleHandleW(L"wevtapi.dll");
    if (module == nullptr) return found;
    load(module, "EvtOpenChannelConfig", found.open_channel_config);
    load(module, "EvtGetChannelConfigProperty", found.channel_config_property);
    load(module, "EvtOpenPublisherMetadata", found.open_publisher_metadata);
    load(module, "EvtOpenEventMetadataEnum", found.open_event_metadata_enum);
    load(module, "EvtNextEventMetadata", found.next_event_metadata);
    load(module, "EvtGetEventMetadataProperty", found.event_metadata_property);
    load(module, "EvtClose", found.close);
    return found;
  }();
  return functions;
}

struct EvtTraits {
  using Raw = EVT_HANDLE;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { evt().close(raw); }
};
using UniqueEvt = win32::UniqueHandle<EvtTraits>;

Error without(std::string_view what) {
  return {ErrorCode::unsupported, fmt::format("wevtapi.dll has no {}", what), {}, {}};
}

Result<bool> is_enabled(const std::string& channel) {
  if (evt().open_channel_config == nullptr || evt().channel_config_property == nullptr || evt().close == nullptr)
    return fail(without("EvtOpenChannelConfig"));
  const UniqueEvt config(evt().open_channel_config(nullptr, win32::widen(channel).c_str(), 0));
  if (!config) return fail(last_error("cannot open its configuration"));
  EVT_VARIANT value{};
  DWORD used = 0;
  if (!evt().channel_config_property(config.get(), EvtChannelConfigEnabled, 0, sizeof value, &value, &used))
    return fail(last_error("cannot read its configuration"));
  return value.BooleanVal != FALSE;
}

Result<Ids> known_ids(const std::string& provider) {
  const auto& api = evt();
  if (api.open_publisher_metadata == nullptr || api.open_event_metadata_enum == nullptr ||
      api.next_event_metadata == nullptr || api.event_metadata_property == nullptr || api.close == nullptr)
    return fail(without("EvtOpenPublisherMetadata"));
  const UniqueEvt metadata(api.open_publisher_metadata(nullptr, win32::widen(provider).c_str(), nullptr, 0, 0));
  if (!metadata) return fail(last_error("cannot open the provider"));
  const UniqueEvt events(api.open_event_metadata_enum(metadata.get(), 0));
  if (!events) return fail(last_error("cannot list the provider's events"));
  constexpr std::uint32_t k_without_qualifiers = 0xFFFF;  // 0xC0000421 is 1057.
  Ids ids;
  while (true) {
    const UniqueEvt event(api.next_event_metadata(events.get(), 0));
    if (!event && GetLastError() == ERROR_NO_MORE_ITEMS) return ids;
    if (!event) return fail(last_error("cannot list the provider's events"));
    EVT_VARIANT value{};
    DWORD used = 0;
    if (api.event_metadata_property(event.get(), EventMetadataEventID, 0, sizeof value, &value, &used))
      ids.insert(value.UInt32Val & k_without_qualifiers);
  }
}

void check_channel(const std::string& channel, const std::string& rule, Checks& checks) {
  const Assumption assumption{"channel " + channel, "enabled", "rule " + rule};
  const auto enabled = is_enabled(channel);
  if (!enabled) return checks.failed(assumption, enabled.error());
  checks.compare(*enabled, assumption, *enabled ? "enabled" : "disabled");
}

Ids missing_in(const Ids& known, const Ids& wanted) {
  Ids missing;
  for (const auto id : wanted) {
    if (!known.contains(id)) missing.insert(id);
  }
  return missing;
}

void check_provider(const std::string& provider, const Ids& wanted, Checks& checks) {
  const Assumption assumption{"provider " + provider, fmt::format("knows {}", fmt::join(wanted, ", ")),
                              "the rules; rdp-host.md 1"};
  const auto known = known_ids(provider);
  if (!known) return checks.failed(assumption, known.error());
  const auto missing = missing_in(*known, wanted);
  checks.compare(missing.empty(), assumption,
                 missing.empty() ? fmt::format("all of them, of {}", known->size())
                                 : fmt::format("without {}", fmt::join(missing, ", ")));
}

// Windows moved these between builds, and which build has which is not documented.
void check_moved(const std::string& what, const std::string& provider, const Ids& before, const Ids& after,
                 Checks& checks) {
  const Assumption assumption{
      what, fmt::format("{} before, {} after they moved", fmt::join(before, ", "), fmt::join(after, ", ")),
      "rdp-host.md 1.0, 8.4.6"};
  const auto known = known_ids(provider);
  if (!known) return checks.failed(assumption, known.error());
  const bool has_before = missing_in(*known, before).empty();
  const bool has_after = missing_in(*known, after).empty();
  checks.compare(has_before || has_after, assumption,
                 has_before && has_after ? "both"
                 : has_after             ? "the later"
                 : has_before            ? "the earlier"
                                         : "neither");
}

}  // namespace

void check_event_logs(v1::SelfTestResponse& all) {
  Checks checks("event logs", all);
  const auto catalogue = Catalogue::built_in();
  std::set<std::string> channels;
  std::map<std::string, Ids> providers;
  for (const auto& rule : catalogue.rules()) {
    if (channels.insert(to_ascii_lower(rule.channel())).second) check_channel(rule.channel(), rule.id(), checks);
    providers[rule.provider()].insert(rule.event_ids().begin(), rule.event_ids().end());
  }
  for (const auto& [provider, ids] : providers) check_provider(provider, ids, checks);
  check_moved("licensing events", "Microsoft-Windows-TerminalServices-RemoteConnectionManager",
              {1128, 1129, 1130, 1131, 1132, 1133}, {50280, 50281, 50282, 50283, 50284, 50285}, checks);
  check_moved("firewall events", "Microsoft-Windows-Windows Firewall With Advanced Security", {2004, 2005, 2006},
              {2097, 2099, 2052}, checks);
}

}  // namespace rdpmend
