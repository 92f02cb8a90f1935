// The firewall double keeps rules, in the registry as on real hosts, and logs who changes them.
#include "tests/wine/firewall/com_object.hpp"
//
#include <gtest/gtest.h>
#include <netfw.h>

#include "tests/wine/lab/channel_store.hpp"
#include "tests/wine/lab/event_fields.hpp"
#include "tests/wine/lab/firewall_store.hpp"
#include "tests/wine/lab/lab_registry.hpp"

extern "C" HRESULT WINAPI DllGetClassObject(REFCLSID wanted_class, REFIID wanted, void** out);

namespace rdpmend::lab {
namespace {

constexpr char k_firewall_channel[] = "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall";
constexpr wchar_t k_id[] = L"RemoteDesktop-UserMode-In-TCP";
constexpr wchar_t k_group[] = L"@FirewallAPI.dll,-28752";
constexpr wchar_t k_rule[] =
    L"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=3389|App=%SystemRoot%\\system32\\svchost.exe|Svc="
    L"termservice|Name=@FirewallAPI.dll,-28775|EmbedCtxt=@FirewallAPI.dll,-28752|Unknown=kept|";

template <class Interface>
struct Ptr {
  Interface* object = nullptr;
  ~Ptr() {
    if (object) object->Release();
  }
  Interface* operator->() const { return object; }
};
struct Bstr {
  BSTR text = nullptr;
  explicit Bstr(const wchar_t* from = nullptr) : text(SysAllocString(from)) {}
  ~Bstr() { SysFreeString(text); }
  std::wstring str() const { return take_text(text); }
};

class FirewallDouble : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto& rule : local_rules()) erase_local_rule(rule.id);
    for (const auto profile : k_profiles) {
      set_profile_setting(profile, L"EnableFirewall", 1);
      set_profile_setting(profile, L"DoNotAllowExceptions", 0);
    }
    set_active_profiles(NET_FW_PROFILE2_DOMAIN);
    write_local_rule(k_id, RuleText(k_rule));
    log.emplace(Channel::create(k_firewall_channel, ChannelType::operational));
    make(__uuidof(NetFwPolicy2), __uuidof(INetFwPolicy2), &policy.object);
    ASSERT_EQ(policy->get_Rules(&rules.object), S_OK);
  }
  template <class Interface>
  static void make(REFCLSID wanted_class, REFIID wanted, Interface** out) {
    Ptr<IClassFactory> factory;
    ASSERT_EQ(DllGetClassObject(wanted_class, IID_IClassFactory, reinterpret_cast<void**>(&factory.object)), S_OK);
    ASSERT_EQ(factory->CreateInstance(nullptr, wanted, reinterpret_cast<void**>(out)), S_OK);
  }
  // Of the whole collection, in its order.
  std::vector<std::wstring> names() {
    Ptr<IUnknown> unknown;
    EXPECT_EQ(rules->get__NewEnum(&unknown.object), S_OK);
    Ptr<IEnumVARIANT> all;
    EXPECT_EQ(unknown->QueryInterface(IID_IEnumVARIANT, reinterpret_cast<void**>(&all.object)), S_OK);
    std::vector<std::wstring> found;
    VARIANT next;
    VariantInit(&next);
    for (ULONG count = 0; all->Next(1, &next, &count) == S_OK; VariantClear(&next)) {
      Ptr<INetFwRule> rule;
      EXPECT_EQ(next.pdispVal->QueryInterface(__uuidof(INetFwRule), reinterpret_cast<void**>(&rule.object)), S_OK);
      Bstr name;
      rule->get_Name(&name.text);
      found.push_back(name.str());
    }
    return found;
  }
  void item(Ptr<INetFwRule>& rule) {
    const Bstr name(L"Remotedesktop - Benutzermodus (TCP eingehend)");
    ASSERT_EQ(rules->Item(name.text, &rule.object), S_OK);
  }
  std::string last_event() {
    std::string last;
    log->read(0, 10'000, [&](StoredEvent event) {
      last = std::move(event.xml);
      return true;
    });
    return last;
  }

  Ptr<INetFwPolicy2> policy;
  Ptr<INetFwRules> rules;
  std::optional<Channel> log;
};

TEST_F(FirewallDouble, EachPropertyIsCommittedToTheRegistryAndLogged) {
  Ptr<INetFwRule> rule;
  item(rule);
  ASSERT_EQ(rule->put_Enabled(VARIANT_FALSE), S_OK);
  EXPECT_EQ(find_local_rule(k_id)->get(L"Active"), L"FALSE");
  EXPECT_EQ(find_local_rule(k_id)->get(L"Unknown"), L"kept");
  EXPECT_EQ(read_event_fields(last_event()).event_id, 2005u);
  EXPECT_NE(last_event().find("<Data Name=\"RuleId\">RemoteDesktop-UserMode-In-TCP</Data>"), std::string::npos);
  EXPECT_NE(last_event().find("<Data Name=\"Active\">0</Data>"), std::string::npos);
}

TEST_F(FirewallDouble, AnObjectShowsWhatTheRegistryHasNow) {
  Ptr<INetFwRule> rule;
  item(rule);
  auto text = *find_local_rule(k_id);
  text.set(L"Active", L"FALSE");
  write_local_rule(k_id, text);
  VARIANT_BOOL enabled = VARIANT_TRUE;
  EXPECT_EQ(rule->get_Enabled(&enabled), S_OK);
  EXPECT_EQ(enabled, VARIANT_FALSE);
  erase_local_rule(k_id);
  EXPECT_EQ(rule->put_Enabled(VARIANT_TRUE), HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND));
}

TEST_F(FirewallDouble, PropertiesAreThoseOfTheText) {
  Ptr<INetFwRule> rule;
  item(rule);
  LONG protocol = 0, profiles = 0;
  Bstr ports, remote, group, service;
  rule->get_Protocol(&protocol);
  rule->get_Profiles(&profiles);
  rule->get_LocalPorts(&ports.text);
  rule->get_RemoteAddresses(&remote.text);
  rule->get_Grouping(&group.text);
  rule->get_ServiceName(&service.text);
  EXPECT_EQ(protocol, NET_FW_IP_PROTOCOL_TCP);
  EXPECT_EQ(profiles, NET_FW_PROFILE2_ALL);
  EXPECT_EQ(ports.str(), L"3389");
  EXPECT_EQ(remote.str(), L"*");
  EXPECT_EQ(group.str(), k_group);
  EXPECT_EQ(service.str(), L"termservice");
}

TEST_F(FirewallDouble, ARuleIsVerifiedWithEachChange) {
  Ptr<INetFwRule> rule;
  item(rule);
  EXPECT_EQ(rule->put_Protocol(1), E_INVALIDARG);  // ICMP has no ports.
  EXPECT_EQ(find_local_rule(k_id)->text(), k_rule);
  const Bstr none(L"");
  EXPECT_EQ(rule->put_LocalPorts(none.text), S_OK);
  EXPECT_EQ(rule->put_Protocol(1), S_OK);
}

TEST_F(FirewallDouble, NewRulesCountOnceTheyAreAdded) {
  Ptr<INetFwRule> rule;
  make(__uuidof(NetFwRule), __uuidof(INetFwRule), &rule.object);
  const Bstr name(L"Probe"), ports(L"4000,3389");
  EXPECT_EQ(rule->put_LocalPorts(ports.text), E_INVALIDARG);  // Protocol first.
  EXPECT_EQ(rule->put_Name(name.text), S_OK);
  EXPECT_EQ(rule->put_Protocol(NET_FW_IP_PROTOCOL_TCP), S_OK);
  EXPECT_EQ(rule->put_LocalPorts(ports.text), S_OK);
  EXPECT_EQ(names().size(), 1u);
  EXPECT_EQ(rules->Add(rule.object), S_OK);
  EXPECT_EQ(read_event_fields(last_event()).event_id, 2004u);
  EXPECT_EQ(names().size(), 2u);
  EXPECT_EQ(rules->Remove(name.text), S_OK);
  EXPECT_EQ(read_event_fields(last_event()).event_id, 2006u);
  Ptr<INetFwRule> gone;
  EXPECT_EQ(rules->Item(name.text, &gone.object), HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND));
}

TEST_F(FirewallDouble, GroupsAreFoundByTheirReference) {
  const Bstr group(k_group), other(L"@Other.dll,-1");
  VARIANT_BOOL enabled = VARIANT_FALSE;
  EXPECT_EQ(policy->get_IsRuleGroupCurrentlyEnabled(group.text, &enabled), S_OK);
  EXPECT_EQ(enabled, VARIANT_TRUE);
  EXPECT_EQ(policy->EnableRuleGroup(NET_FW_PROFILE2_DOMAIN, group.text, VARIANT_FALSE), S_OK);
  EXPECT_EQ(find_local_rule(k_id)->get(L"Active"), L"FALSE");
  EXPECT_EQ(policy->IsRuleGroupEnabled(NET_FW_PROFILE2_DOMAIN, other.text, &enabled), S_FALSE);
}

TEST_F(FirewallDouble, ProfilesAndTheStateOfLocalPolicy) {
  LONG active = 0;
  VARIANT_BOOL on = VARIANT_FALSE, blocked = VARIANT_TRUE;
  NET_FW_MODIFY_STATE state{};
  EXPECT_EQ(policy->get_CurrentProfileTypes(&active), S_OK);
  EXPECT_EQ(active, NET_FW_PROFILE2_DOMAIN);
  EXPECT_EQ(policy->get_FirewallEnabled(NET_FW_PROFILE2_DOMAIN, &on), S_OK);
  EXPECT_EQ(policy->get_BlockAllInboundTraffic(NET_FW_PROFILE2_DOMAIN, &blocked), S_OK);
  EXPECT_EQ(on, VARIANT_TRUE);
  EXPECT_EQ(blocked, VARIANT_FALSE);
  EXPECT_EQ(policy->get_FirewallEnabled(NET_FW_PROFILE2_ALL, &on), E_INVALIDARG);
  EXPECT_EQ(policy->get_LocalPolicyModifyState(&state), S_OK);
  EXPECT_EQ(state, NET_FW_MODIFY_STATE_OK);
  policy->put_BlockAllInboundTraffic(NET_FW_PROFILE2_DOMAIN, VARIANT_TRUE);
  EXPECT_EQ(policy->get_LocalPolicyModifyState(&state), S_OK);
  EXPECT_EQ(state, NET_FW_MODIFY_STATE_INBOUND_BLOCKED);
}

TEST_F(FirewallDouble, ASwitchIsAsItIsSetLocallyWhateverGroupPolicySays) {
  const auto key = std::wstring(k_firewall_policy_by_group_policy) + L"\\DomainProfile";
  RegistryKey::create(key).set_dword(L"EnableFirewall", 0);
  VARIANT_BOOL on = VARIANT_FALSE;
  EXPECT_EQ(policy->get_FirewallEnabled(NET_FW_PROFILE2_DOMAIN, &on), S_OK);
  const bool anybody = firewall_lets_in(9999);
  RegistryKey::create(key).erase(L"EnableFirewall");
  EXPECT_EQ(on, VARIANT_TRUE);
  EXPECT_TRUE(anybody) << "Group Policy's value counts";
  EXPECT_FALSE(firewall_lets_in(9999));
}

TEST_F(FirewallDouble, ARuleOfAnAppLetsNobodyIn) {
  write_local_rule(L"an app", RuleText(L"v2.31|Action=Allow|Active=TRUE|Dir=In|LUOwn=S-1-5-21-1-2-3-1000|"
                                       L"AppPkgId=S-1-15-2-1-2-3|"));
  EXPECT_FALSE(firewall_lets_in(3390));
}

TEST_F(FirewallDouble, ClientsGetInByTheRules) {
  EXPECT_TRUE(firewall_lets_in(3389));
  EXPECT_FALSE(firewall_lets_in(3390));
  set_active_profiles(NET_FW_PROFILE2_PUBLIC);
  EXPECT_TRUE(firewall_lets_in(3389));
  auto text = *find_local_rule(k_id);
  text.set_all(L"Profile", {L"Domain", L"Private"});
  write_local_rule(k_id, text);
  EXPECT_FALSE(firewall_lets_in(3389));
  set_active_profiles(NET_FW_PROFILE2_DOMAIN);
  text.set(L"Action", L"Block");
  write_local_rule(L"a block", text);
  EXPECT_FALSE(firewall_lets_in(3389));
  set_profile_setting(NET_FW_PROFILE2_DOMAIN, L"EnableFirewall", 0);
  EXPECT_TRUE(firewall_lets_in(3389));
}

}  // namespace
}  // namespace rdpmend::lab
