#include "tests/wine/lab/firewall_store.hpp"

#include <algorithm>

#include "tests/wine/lab/lab_registry.hpp"
#include "tests/wine/lab/text.hpp"

namespace rdpmend::lab {

namespace {

constexpr std::uint32_t k_all_profiles = 0x7FFFFFFF;

struct ProfileName {
  std::uint32_t profile;
  std::wstring_view local;  // The private profile's key still has its name of Windows XP.
  std::wstring_view policy;
  std::wstring_view in_rules;
};
constexpr ProfileName k_profile_names[] = {{1, L"DomainProfile", L"DomainProfile", L"Domain"},
                                           {2, L"StandardProfile", L"PrivateProfile", L"Private"},
                                           {4, L"PublicProfile", L"PublicProfile", L"Public"}};

const ProfileName& name_of(std::uint32_t profile) {
  return *std::find_if(std::begin(k_profile_names), std::end(k_profile_names),
                       [&](const ProfileName& name) { return name.profile == profile; });
}

std::wstring local_key(std::uint32_t profile) {
  return std::wstring(k_firewall_policy) + L"\\" + std::wstring(name_of(profile).local);
}
std::wstring policy_key(std::uint32_t profile) {
  return std::wstring(k_firewall_policy_by_group_policy) + L"\\" + std::wstring(name_of(profile).policy);
}

std::optional<std::uint32_t> dword_in(const std::wstring& path, std::wstring_view name) {
  const auto key = RegistryKey::open(path);
  return key ? key->dword(name) : std::nullopt;
}

std::vector<StoredRule> rules_in(std::wstring_view path) {
  std::vector<StoredRule> rules;
  const auto key = RegistryKey::open(path);
  if (!key) return rules;
  for (const auto& id : key->value_names()) {
    if (const auto text = key->text(id)) rules.push_back({id, RuleText(*text)});
  }
  return rules;
}

bool covers_port(const std::vector<std::wstring>& ports, std::uint16_t port) {
  if (ports.empty()) return true;
  return std::any_of(ports.begin(), ports.end(), [&](const std::wstring& item) {
    if (item.empty() || item[0] < L'0' || item[0] > L'9') return item == L"*";
    const auto dash = item.find(L'-');
    const auto first = std::stoul(item);
    const auto last = dash == std::wstring::npos ? first : std::stoul(item.substr(dash + 1));
    return first <= port && port <= last;
  });
}

// Whether the rule speaks of a client from anywhere that connects to TermService on this port.
bool speaks_of(const RuleText& rule, std::uint16_t port) {
  const auto protocol = rule.get(L"Protocol"), service = rule.get(L"Svc"), application = rule.get(L"App");
  const bool about_term_service = service.empty()
                                      ? application.empty() || application == L"System"
                                      : service == L"*" || equal_ignoring_case(narrow(service), "termservice");
  return rule.get(L"Active") == L"TRUE" && rule.get(L"Dir") == L"In" && (protocol.empty() || protocol == L"6") &&
         about_term_service && rule.all(L"RA4").empty() && rule.get(L"LUOwn").empty() &&
         covers_port(rule.all(L"LPort"), port) && (profiles_of(rule) & active_profiles()) != 0;
}

}  // namespace

RuleText::RuleText(std::wstring_view text) {
  const auto version_end = std::min(text.find(L'|'), text.size());
  version_ = text.substr(0, version_end);
  text.remove_prefix(std::min(version_end + 1, text.size()));
  while (!text.empty()) {
    const auto field = text.substr(0, text.find(L'|'));
    text.remove_prefix(std::min(field.size() + 1, text.size()));
    const auto equals = field.find(L'=');
    if (equals == std::wstring_view::npos) continue;
    fields_.emplace_back(field.substr(0, equals), field.substr(equals + 1));
  }
}

std::wstring RuleText::text() const {
  std::wstring out = version_ + L"|";
  for (const auto& [name, value] : fields_) out += name + L"=" + value + L"|";
  return out;
}

std::wstring RuleText::get(std::wstring_view field) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(), [&](const auto& one) { return one.first == field; });
  return found == fields_.end() ? std::wstring() : found->second;
}

std::vector<std::wstring> RuleText::all(std::wstring_view field) const {
  std::vector<std::wstring> values;
  for (const auto& [name, value] : fields_) {
    if (name == field) values.push_back(value);
  }
  return values;
}

void RuleText::set(std::wstring_view field, std::wstring_view value) {
  set_all(field, value.empty() ? std::vector<std::wstring>{} : std::vector<std::wstring>{std::wstring(value)});
}

void RuleText::set_all(std::wstring_view field, const std::vector<std::wstring>& values) {
  const auto is_field = [&](const auto& one) { return one.first == field; };
  auto at = std::find_if(fields_.begin(), fields_.end(), is_field) - fields_.begin();
  std::erase_if(fields_, is_field);
  for (const auto& value : values) fields_.emplace(fields_.begin() + at++, std::wstring(field), value);
}

std::vector<StoredRule> local_rules() {
  return rules_in(k_firewall_rules);
}
std::vector<StoredRule> policy_rules() {
  return rules_in(std::wstring(k_firewall_policy_by_group_policy) + L"\\FirewallRules");
}

std::optional<RuleText> find_local_rule(std::wstring_view id) {
  const auto key = RegistryKey::open(k_firewall_rules);
  const auto text = key ? key->text(id) : std::nullopt;
  if (!text) return std::nullopt;
  return RuleText(*text);
}

void write_local_rule(std::wstring_view id, const RuleText& text) {
  RegistryKey::create(k_firewall_rules).set_text(id, text.text());
}
void erase_local_rule(std::wstring_view id) {
  RegistryKey::create(k_firewall_rules).erase(id);
}

std::uint32_t active_profiles() {
  const auto key = RegistryKey::open(k_lab_key);
  return key ? key->dword(L"ActiveProfiles").value_or(1) : 1;
}
void set_active_profiles(std::uint32_t profiles) {
  RegistryKey::create(k_lab_key).set_dword(L"ActiveProfiles", profiles);
}

std::uint32_t profile_setting(std::uint32_t profile, std::wstring_view name, std::uint32_t otherwise) {
  return dword_in(policy_key(profile), name).value_or(local_profile_setting(profile, name, otherwise));
}
std::uint32_t local_profile_setting(std::uint32_t profile, std::wstring_view name, std::uint32_t otherwise) {
  return dword_in(local_key(profile), name).value_or(otherwise);
}
void set_profile_setting(std::uint32_t profile, std::wstring_view name, std::uint32_t value) {
  RegistryKey::create(local_key(profile)).set_dword(name, value);
}

bool local_rules_are_void() {
  return std::any_of(std::begin(k_profiles), std::end(k_profiles), [](std::uint32_t profile) {
    if ((active_profiles() & profile) == 0) return false;
    const auto key = RegistryKey::open(policy_key(profile));
    return key && key->dword(L"AllowLocalPolicyMerge") == 0u;
  });
}

std::wstring display_name(const RuleText& rule) {
  constexpr std::pair<std::wstring_view, std::wstring_view> k_german[] = {
      {L"@FirewallAPI.dll,-28775", L"Remotedesktop - Benutzermodus (TCP eingehend)"},
      {L"@FirewallAPI.dll,-28776", L"Remotedesktop - Benutzermodus (UDP eingehend)"},
      {L"@FirewallAPI.dll,-28778", L"Remotedesktop - Schatten (TCP eingehend)"}};
  const auto name = rule.get(L"Name");
  for (const auto& [reference, text] : k_german) {
    if (name == reference) return std::wstring(text);
  }
  return name;
}

std::uint32_t profiles_of(const RuleText& rule) {
  std::uint32_t profiles = 0;
  for (const auto& name : rule.all(L"Profile")) {
    for (const auto& known : k_profile_names) {
      if (known.in_rules == name) profiles |= known.profile;
    }
  }
  return profiles == 0 ? k_all_profiles : profiles;
}

bool firewall_lets_in(std::uint16_t tcp_port) {
  bool filtered = false;
  for (const auto profile : k_profiles) {
    if ((active_profiles() & profile) == 0 || profile_setting(profile, L"EnableFirewall", 1) == 0) continue;
    if (profile_setting(profile, L"DoNotAllowExceptions", 0) != 0) return false;
    filtered = true;
  }
  if (!filtered) return true;
  auto rules = policy_rules();
  if (!local_rules_are_void()) {
    for (auto& rule : local_rules()) rules.push_back(std::move(rule));
  }
  bool allowed = false;
  for (const auto& rule : rules) {
    if (!speaks_of(rule.text, tcp_port)) continue;
    if (rule.text.get(L"Action") == L"Block") return false;
    allowed = true;
  }
  return allowed;
}

}  // namespace rdpmend::lab
