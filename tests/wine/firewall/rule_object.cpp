#include "tests/wine/firewall/rule_object.hpp"

#include "tests/wine/firewall/rule_events.hpp"

namespace rdpmend::lab {

namespace {

constexpr LONG k_any_protocol = 256;  // NET_FW_IP_PROTOCOL_ANY
constexpr LONG k_all_profiles = NET_FW_PROFILE2_ALL;

bool has_ports(LONG protocol) {
  return protocol == NET_FW_IP_PROTOCOL_TCP || protocol == NET_FW_IP_PROTOCOL_UDP;
}

LONG protocol_of(const RuleText& rule) {
  const auto text = rule.get(L"Protocol");
  return text.empty() ? k_any_protocol : std::stol(text);
}

std::wstring joined(const std::vector<std::wstring>& items) {
  std::wstring out;
  for (const auto& item : items) out += (out.empty() ? L"" : L",") + item;
  return out;
}

std::vector<std::wstring> split(std::wstring_view text) {
  std::vector<std::wstring> items;
  while (!text.empty()) {
    const auto item = text.substr(0, text.find(L','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    if (!item.empty() && item != L"*") items.emplace_back(item);
  }
  return items;
}

// "If you are editing a TCP port rule and converting it into an ICMP rule, first delete the ports": the page of
// INetFwRule. A rule with ports must have a protocol that has ports.
bool is_correct(const RuleText& rule) {
  return has_ports(protocol_of(rule)) || (rule.all(L"LPort").empty() && rule.all(L"RPort").empty());
}

std::wstring profile_name(std::uint32_t profile) {
  return profile == 1 ? L"Domain" : profile == 2 ? L"Private" : L"Public";
}

}  // namespace

bool RuleObject::implements(REFIID wanted) const {
  return is_one_of<IDispatch, INetFwRule, INetFwRule2, INetFwRule3>(wanted);
}

HRESULT RuleObject::no_variant(VARIANT* out) {
  if (!out) return E_POINTER;
  VariantInit(out);
  return S_OK;
}

std::optional<RuleText> RuleObject::current() const {
  return id_.empty() ? unsaved_ : find_local_rule(id_);
}

void RuleObject::add_as(std::wstring id) {
  write_local_rule(id, unsaved_);
  id_ = std::move(id);
}

HRESULT RuleObject::give_field(std::wstring_view field, BSTR* out) const {
  const auto rule = current();
  return rule ? give_text(rule->get(field), out) : HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
}

// No restriction is "*": https://learn.microsoft.com/windows/win32/api/netfw/nf-netfw-inetfwrule-get_localports
HRESULT RuleObject::give_list(std::wstring_view field, BSTR* out) const {
  const auto rule = current();
  if (!rule) return HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
  const auto items = rule->all(field);
  return give_text(items.empty() ? L"*" : joined(items), out);
}

HRESULT RuleObject::commit(const std::function<void(RuleText&)>& change) {
  if (by_policy_) return E_ACCESSDENIED;
  auto rule = current();
  if (!rule) return HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
  const auto before = rule->text();
  change(*rule);
  if (!is_correct(*rule)) return E_INVALIDARG;
  if (id_.empty()) {
    unsaved_ = *rule;
    return S_OK;
  }
  if (rule->text() == before) return S_OK;
  write_local_rule(id_, *rule);
  log_rule_change(RuleChange::changed, id_, *rule);
  return S_OK;
}

HRESULT RuleObject::commit_field(std::wstring_view field, std::wstring_view value) {
  return commit([&](RuleText& rule) { rule.set(field, value); });
}
HRESULT RuleObject::commit_list(std::wstring_view field, BSTR value) {
  return commit([&](RuleText& rule) { rule.set_all(field, split(take_text(value))); });
}

HRESULT RuleObject::get_Name(BSTR* out) {
  const auto rule = current();
  return rule ? give_text(display_name(*rule), out) : HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
}
HRESULT RuleObject::put_Name(BSTR value) {
  return commit_field(L"Name", take_text(value));
}
HRESULT RuleObject::get_Description(BSTR* out) {
  return give_field(L"Desc", out);
}
HRESULT RuleObject::put_Description(BSTR value) {
  return commit_field(L"Desc", take_text(value));
}
HRESULT RuleObject::get_ApplicationName(BSTR* out) {
  return give_field(L"App", out);
}
HRESULT RuleObject::put_ApplicationName(BSTR value) {
  return commit_field(L"App", take_text(value));
}
HRESULT RuleObject::get_ServiceName(BSTR* out) {
  return give_field(L"Svc", out);
}
HRESULT RuleObject::put_ServiceName(BSTR value) {
  return commit_field(L"Svc", take_text(value));
}
HRESULT RuleObject::get_Grouping(BSTR* out) {
  return give_field(L"EmbedCtxt", out);
}
HRESULT RuleObject::put_Grouping(BSTR value) {
  return commit_field(L"EmbedCtxt", take_text(value));
}

HRESULT RuleObject::get_Protocol(LONG* out) {
  const auto rule = current();
  return rule ? give(protocol_of(*rule), out) : HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
}
HRESULT RuleObject::put_Protocol(LONG value) {
  return commit_field(L"Protocol", value == k_any_protocol ? std::wstring() : std::to_wstring(value));
}

// Of a protocol without ports there is no text at all.
HRESULT RuleObject::get_LocalPorts(BSTR* out) {
  const auto rule = current();
  return rule && !has_ports(protocol_of(*rule)) ? give_text({}, out) : give_list(L"LPort", out);
}
HRESULT RuleObject::put_LocalPorts(BSTR value) {
  return commit_list(L"LPort", value);
}
HRESULT RuleObject::get_RemotePorts(BSTR* out) {
  const auto rule = current();
  return rule && !has_ports(protocol_of(*rule)) ? give_text({}, out) : give_list(L"RPort", out);
}
HRESULT RuleObject::put_RemotePorts(BSTR value) {
  return commit_list(L"RPort", value);
}
HRESULT RuleObject::get_LocalAddresses(BSTR* out) {
  return give_list(L"LA4", out);
}
HRESULT RuleObject::put_LocalAddresses(BSTR value) {
  return commit_list(L"LA4", value);
}
HRESULT RuleObject::get_RemoteAddresses(BSTR* out) {
  return give_list(L"RA4", out);
}
HRESULT RuleObject::put_RemoteAddresses(BSTR value) {
  return commit_list(L"RA4", value);
}

HRESULT RuleObject::get_Direction(NET_FW_RULE_DIRECTION* out) {
  const auto rule = current();
  if (!rule) return HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
  return give(rule->get(L"Dir") == L"Out" ? NET_FW_RULE_DIR_OUT : NET_FW_RULE_DIR_IN, out);
}
HRESULT RuleObject::put_Direction(NET_FW_RULE_DIRECTION value) {
  return commit_field(L"Dir", value == NET_FW_RULE_DIR_OUT ? L"Out" : L"In");
}

HRESULT RuleObject::get_Enabled(VARIANT_BOOL* out) {
  const auto rule = current();
  if (!rule) return HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
  return give<VARIANT_BOOL>(rule->get(L"Active") == L"TRUE" ? VARIANT_TRUE : VARIANT_FALSE, out);
}
HRESULT RuleObject::put_Enabled(VARIANT_BOOL value) {
  return commit_field(L"Active", value == VARIANT_FALSE ? L"FALSE" : L"TRUE");
}

HRESULT RuleObject::get_Profiles(LONG* out) {
  const auto rule = current();
  return rule ? give(static_cast<LONG>(profiles_of(*rule)), out) : HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
}
HRESULT RuleObject::put_Profiles(LONG value) {
  return commit([&](RuleText& rule) {
    std::vector<std::wstring> names;
    for (const auto profile : k_profiles) {
      if (value != k_all_profiles && (static_cast<std::uint32_t>(value) & profile) != 0)
        names.push_back(profile_name(profile));
    }
    rule.set_all(L"Profile", names);
  });
}

HRESULT RuleObject::get_EdgeTraversal(VARIANT_BOOL* out) {
  const auto rule = current();
  if (!rule) return HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
  return give<VARIANT_BOOL>(rule->get(L"Edge") == L"TRUE" ? VARIANT_TRUE : VARIANT_FALSE, out);
}
HRESULT RuleObject::put_EdgeTraversal(VARIANT_BOOL value) {
  return commit_field(L"Edge", value == VARIANT_FALSE ? L"" : L"TRUE");
}

HRESULT RuleObject::get_Action(NET_FW_ACTION* out) {
  const auto rule = current();
  if (!rule) return HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
  return give(rule->get(L"Action") == L"Block" ? NET_FW_ACTION_BLOCK : NET_FW_ACTION_ALLOW, out);
}
HRESULT RuleObject::put_Action(NET_FW_ACTION value) {
  return commit_field(L"Action", value == NET_FW_ACTION_BLOCK ? L"Block" : L"Allow");
}

}  // namespace rdpmend::lab
