#include "agent-lib/win32/firewall_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include <netlistmgr.h>

namespace rdpmend::win32 {

namespace {

constexpr std::uint32_t k_known_profiles = k_profile_domain | k_profile_private | k_profile_public;
constexpr std::uint32_t k_profiles[] = {k_profile_domain, k_profile_private, k_profile_public};

class Variant {
 public:
  Variant() { VariantInit(&value_); }
  ~Variant() { VariantClear(&value_); }
  Variant(const Variant&) = delete;
  Variant& operator=(const Variant&) = delete;
  VARIANT* out() { return &value_; }
  IDispatch* object() const { return value_.vt == VT_DISPATCH ? value_.pdispVal : nullptr; }

 private:
  VARIANT value_;
};

template <class Value>
Result<Value> get(INetFwPolicy2* policy,
                  HRESULT (STDMETHODCALLTYPE INetFwPolicy2::*getter)(NET_FW_PROFILE_TYPE2, Value*),
                  std::uint32_t profile) {
  Value value{};
  const auto result = (policy->*getter)(static_cast<NET_FW_PROFILE_TYPE2>(profile), &value);
  if (FAILED(result)) return fail(hresult_error("cannot read a profile of the firewall", result));
  return value;
}

// S_FALSE: it applies to some of the active profiles only.
// https://learn.microsoft.com/windows/win32/api/netfw/nf-netfw-inetfwpolicy2-get_localpolicymodifystate
Result<LocalPolicyModify> read_modify_state(INetFwPolicy2* policy) {
  NET_FW_MODIFY_STATE state = NET_FW_MODIFY_STATE_OK;
  const auto result = policy->get_LocalPolicyModifyState(&state);
  if (FAILED(result)) return fail(hresult_error("cannot ask whether local firewall rules count", result));
  switch (state) {
    case NET_FW_MODIFY_STATE_GP_OVERRIDE: return LocalPolicyModify::policy_override;
    case NET_FW_MODIFY_STATE_INBOUND_BLOCKED: return LocalPolicyModify::inbound_blocked;
    default: return LocalPolicyModify::ok;
  }
}

std::wstring text_of(INetFwRule* rule, HRESULT (STDMETHODCALLTYPE INetFwRule::*getter)(BSTR*)) {
  UniqueBstr text;
  if (FAILED((rule->*getter)(text.out())) || !text) return {};
  return {text.get(), SysStringLen(text.get())};
}

std::wstring expanded(const std::wstring& path) {
  std::array<wchar_t, 4096> out{};
  const DWORD size = ExpandEnvironmentStringsW(path.c_str(), out.data(), static_cast<DWORD>(out.size()));
  return size == 0 || size > out.size() ? path : std::wstring(out.data());
}

// "80,443" and "443,80" are the same ports, and "*" is the same as none.
std::vector<std::wstring> ports_of(std::wstring text) {
  std::vector<std::wstring> ports;
  std::erase(text, L' ');
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(L',', at), text.size());
    ports.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  std::sort(ports.begin(), ports.end());
  if (ports == std::vector<std::wstring>{L"*"}) ports.clear();
  return ports;
}

bool same_service(const std::wstring& a, const std::wstring& b) {
  const auto given = [](const std::wstring& name) { return name == L"*" ? std::wstring{} : name; };
  return same_name(given(a), given(b));
}

// The pages do not say whether INetFwPolicy2::Rules lists the rules of Group Policy, too. Where several are alike, one
// in another state than the local rule's cannot be it.
std::vector<ComPtr<INetFwRule>> in_state(std::vector<ComPtr<INetFwRule>> rules, bool enabled) {
  std::erase_if(rules, [&](const ComPtr<INetFwRule>& rule) {
    VARIANT_BOOL now = VARIANT_FALSE;
    return FAILED(rule.get()->get_Enabled(&now)) || (now != VARIANT_FALSE) != enabled;
  });
  return rules;
}

// Everything that identifies a rule, but whether it is enabled. Addresses are written differently in the two places.
// Its group first: most rules have another, and there may be hundreds of thousands.
bool is(INetFwRule* rule, const FirewallRule& wanted) {
  if (!same_name(text_of(rule, &INetFwRule::get_Grouping), widen(wanted.group))) return false;
  NET_FW_RULE_DIRECTION direction{};
  NET_FW_ACTION action{};
  LONG protocol = 0;
  LONG profiles = 0;
  if (FAILED(rule->get_Direction(&direction)) || FAILED(rule->get_Action(&action)) ||
      FAILED(rule->get_Protocol(&protocol)) || FAILED(rule->get_Profiles(&profiles))) {
    return false;
  }
  return (direction == NET_FW_RULE_DIR_IN) == wanted.inbound && (action == NET_FW_ACTION_ALLOW) == wanted.allow &&
         static_cast<std::uint32_t>(protocol) == wanted.protocol &&
         ((static_cast<std::uint32_t>(profiles) ^ wanted.profiles) & k_known_profiles) == 0 &&
         same_service(text_of(rule, &INetFwRule::get_ServiceName), widen(wanted.service)) &&
         same_name(expanded(text_of(rule, &INetFwRule::get_ApplicationName)), expanded(widen(wanted.application))) &&
         ports_of(text_of(rule, &INetFwRule::get_LocalPorts)) == ports_of(widen(wanted.local_ports));
}

// {DCB00C01-570F-4A9B-8D69-199FDBA5723B}
constexpr CLSID k_network_list_manager = {0xdcb00c01, 0x570f, 0x4a9b, {0x8d, 0x69, 0x19, 0x9f, 0xdb, 0xa5, 0x72, 0x3b}};
constexpr int k_most_connections = 256;

std::uint32_t profile_of(NLM_NETWORK_CATEGORY category) {
  switch (category) {
    case NLM_NETWORK_CATEGORY_PUBLIC: return k_profile_public;
    case NLM_NETWORK_CATEGORY_PRIVATE: return k_profile_private;
    case NLM_NETWORK_CATEGORY_DOMAIN_AUTHENTICATED: return k_profile_domain;
  }
  return 0;
}

struct Enumeration {
  LONG count = 0;
  ComPtr<IEnumVARIANT> rules;
};

Result<Enumeration> enumerate(INetFwPolicy2* policy, std::string_view doing) {
  Enumeration all;
  ComPtr<INetFwRules> rules;
  if (const auto result = policy->get_Rules(rules.out()); FAILED(result)) return fail(hresult_error(doing, result));
  if (const auto result = rules->get_Count(&all.count); FAILED(result)) return fail(hresult_error(doing, result));
  ComPtr<IUnknown> unknown;
  if (const auto result = rules->get__NewEnum(unknown.out()); FAILED(result)) return fail(hresult_error(doing, result));
  auto variants = query_com<IEnumVARIANT>(unknown.get(), doing);
  if (!variants) return fail(std::move(variants).error());
  all.rules = std::move(*variants);
  return all;
}

}  // namespace

Result<ComPtr<INetFwPolicy2>> open_policy() {
  return create_com<INetFwPolicy2>(__uuidof(NetFwPolicy2), "cannot reach the firewall");
}

Result<FirewallStatus> read_status(INetFwPolicy2* policy) {
  FirewallStatus status;
  LONG active = 0;
  if (const auto result = policy->get_CurrentProfileTypes(&active); FAILED(result)) {
    return fail(hresult_error("cannot ask which firewall profiles are active", result));
  }
  status.active_profiles = static_cast<std::uint32_t>(active);
  for (const auto profile : k_profiles) {
    const auto enabled = get<VARIANT_BOOL>(policy, &INetFwPolicy2::get_FirewallEnabled, profile);
    if (!enabled) return fail(enabled.error());
    const auto block_all = get<VARIANT_BOOL>(policy, &INetFwPolicy2::get_BlockAllInboundTraffic, profile);
    if (!block_all) return fail(block_all.error());
    if (*enabled != VARIANT_FALSE) status.enabled_profiles |= profile;
    if (*block_all != VARIANT_FALSE) status.block_all_inbound |= profile;
    const auto inbound = get<NET_FW_ACTION>(policy, &INetFwPolicy2::get_DefaultInboundAction, profile);
    if (!inbound) return fail(inbound.error());
    if (*inbound == NET_FW_ACTION_ALLOW) status.allow_by_default |= profile;
  }
  const auto modify = read_modify_state(policy);
  if (!modify) return fail(modify.error());
  status.modify = *modify;
  return status;
}

std::map<std::string, std::uint32_t> read_profiles_of_adapters(std::uint32_t active_profiles) {
  std::map<std::string, std::uint32_t> profiles;
  const auto list = create_com<INetworkListManager>(k_network_list_manager, "cannot ask for networks", CLSCTX_ALL);
  ComPtr<IEnumNetworkConnections> all;
  if (!list || FAILED((*list)->GetNetworkConnections(all.out())) || !all) return profiles;
  for (int i = 0; i < k_most_connections; ++i) {
    ComPtr<INetworkConnection> connection;
    ULONG fetched = 0;
    if (all->Next(1, connection.out(), &fetched) != S_OK || fetched == 0) break;
    ComPtr<INetwork> network;
    GUID adapter{};
    NLM_NETWORK_CATEGORY category{};
    std::array<wchar_t, 40> id{};
    if (FAILED(connection->GetAdapterId(&adapter)) || FAILED(connection->GetNetwork(network.out())) || !network ||
        FAILED(network->GetCategory(&category)) || StringFromGUID2(adapter, id.data(), id.size()) == 0) {
      continue;
    }
    const auto profile = profile_of(category) & active_profiles;
    auto& known = profiles.emplace(narrow(id.data()), profile).first->second;
    if (known != profile) known = 0;  // Two networks on one adapter.
  }
  return profiles;
}

Result<ComPtr<INetFwRule>> find_rule_object(INetFwPolicy2* policy, const FirewallRule& wanted,
                                            std::chrono::steady_clock::time_point until) {
  const auto doing = fmt::format("cannot find firewall rule {} among the firewall's objects", wanted.id);
  const auto all = enumerate(policy, doing);
  if (!all) return fail(all.error());
  std::vector<ComPtr<INetFwRule>> found;
  for (LONG i = 0; i <= all->count; ++i) {  // The last one only meets the end.
    if (std::chrono::steady_clock::now() >= until) {
      return fail(ErrorCode::timeout, fmt::format("{}: there are {}, and it takes too long", doing, all->count),
                  "Remove the rules that nobody needs.");
    }
    Variant next;
    ULONG fetched = 0;
    const auto result = all->rules->Next(1, next.out(), &fetched);
    if (FAILED(result)) return fail(hresult_error(doing, result));
    if (result != S_OK || fetched == 0) break;
    if (next.object() == nullptr) continue;
    auto rule = query_com<INetFwRule>(next.object(), doing);
    if (rule && is(rule->get(), wanted)) found.push_back(std::move(*rule));
  }
  if (found.empty()) {
    return fail(ErrorCode::unavailable, doing + ": none has its group and properties", "Restart MpsSvc or the host.");
  }
  if (found.size() > 1) found = in_state(std::move(found), wanted.enabled);
  if (found.size() != 1) {
    return fail(ErrorCode::conflict, doing + ": several have its group and properties",
                "Remove the copies of the rule by hand, or change it by hand: Enable-NetFirewallRule -Name ID.");
  }
  return std::move(found.front());
}

}  // namespace rdpmend::win32
