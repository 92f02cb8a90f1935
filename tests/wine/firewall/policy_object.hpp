// INetFwPolicy2 and INetFwRules: https://learn.microsoft.com/windows/win32/api/netfw/nn-netfw-inetfwpolicy2
#pragma once

#include "tests/wine/firewall/com_object.hpp"
//
#include <netfw.h>

namespace rdpmend::lab {

class RulesObject final : public DispatchObject<INetFwRules> {
 public:
  HRESULT STDMETHODCALLTYPE get_Count(LONG* out) override;
  HRESULT STDMETHODCALLTYPE Add(INetFwRule* rule) override;
  HRESULT STDMETHODCALLTYPE Remove(BSTR name) override;
  HRESULT STDMETHODCALLTYPE Item(BSTR name, INetFwRule** out) override;
  HRESULT STDMETHODCALLTYPE get__NewEnum(IUnknown** out) override;

 private:
  bool implements(REFIID wanted) const override { return is_one_of<IDispatch, INetFwRules>(wanted); }
};

class PolicyObject final : public DispatchObject<INetFwPolicy2> {
 public:
  HRESULT STDMETHODCALLTYPE get_CurrentProfileTypes(LONG* out) override;
  HRESULT STDMETHODCALLTYPE get_FirewallEnabled(NET_FW_PROFILE_TYPE2 profile, VARIANT_BOOL* out) override;
  HRESULT STDMETHODCALLTYPE put_FirewallEnabled(NET_FW_PROFILE_TYPE2 profile, VARIANT_BOOL value) override;
  HRESULT STDMETHODCALLTYPE get_BlockAllInboundTraffic(NET_FW_PROFILE_TYPE2 profile, VARIANT_BOOL* out) override;
  HRESULT STDMETHODCALLTYPE put_BlockAllInboundTraffic(NET_FW_PROFILE_TYPE2 profile, VARIANT_BOOL value) override;
  HRESULT STDMETHODCALLTYPE get_Rules(INetFwRules** out) override;
  HRESULT STDMETHODCALLTYPE EnableRuleGroup(LONG profiles, BSTR group, VARIANT_BOOL enable) override;
  HRESULT STDMETHODCALLTYPE IsRuleGroupEnabled(LONG profiles, BSTR group, VARIANT_BOOL* out) override;
  HRESULT STDMETHODCALLTYPE get_IsRuleGroupCurrentlyEnabled(BSTR group, VARIANT_BOOL* out) override;
  HRESULT STDMETHODCALLTYPE get_DefaultInboundAction(NET_FW_PROFILE_TYPE2 profile, NET_FW_ACTION* out) override;
  HRESULT STDMETHODCALLTYPE put_DefaultInboundAction(NET_FW_PROFILE_TYPE2 profile, NET_FW_ACTION value) override;
  HRESULT STDMETHODCALLTYPE get_LocalPolicyModifyState(NET_FW_MODIFY_STATE* out) override;

  // What the product does not ask.
  HRESULT STDMETHODCALLTYPE get_ExcludedInterfaces(NET_FW_PROFILE_TYPE2, VARIANT*) override { return E_NOTIMPL; }
  HRESULT STDMETHODCALLTYPE put_ExcludedInterfaces(NET_FW_PROFILE_TYPE2, VARIANT) override { return E_NOTIMPL; }
  HRESULT STDMETHODCALLTYPE get_NotificationsDisabled(NET_FW_PROFILE_TYPE2, VARIANT_BOOL*) override {
    return E_NOTIMPL;
  }
  HRESULT STDMETHODCALLTYPE put_NotificationsDisabled(NET_FW_PROFILE_TYPE2, VARIANT_BOOL) override { return E_NOTIMPL; }
  HRESULT STDMETHODCALLTYPE get_UnicastResponsesToMulticastBroadcastDisabled(NET_FW_PROFILE_TYPE2,
                                                                             VARIANT_BOOL*) override {
    return E_NOTIMPL;
  }
  HRESULT STDMETHODCALLTYPE put_UnicastResponsesToMulticastBroadcastDisabled(NET_FW_PROFILE_TYPE2,
                                                                             VARIANT_BOOL) override {
    return E_NOTIMPL;
  }
  HRESULT STDMETHODCALLTYPE get_ServiceRestriction(INetFwServiceRestriction**) override { return E_NOTIMPL; }
  HRESULT STDMETHODCALLTYPE RestoreLocalFirewallDefaults() override { return E_NOTIMPL; }
  HRESULT STDMETHODCALLTYPE get_DefaultOutboundAction(NET_FW_PROFILE_TYPE2, NET_FW_ACTION*) override {
    return E_NOTIMPL;
  }
  HRESULT STDMETHODCALLTYPE put_DefaultOutboundAction(NET_FW_PROFILE_TYPE2, NET_FW_ACTION) override {
    return E_NOTIMPL;
  }

 private:
  bool implements(REFIID wanted) const override { return is_one_of<IDispatch, INetFwPolicy2>(wanted); }
};

}  // namespace rdpmend::lab
