// INetFwRule over a rule's text. "Each time you change a property of a rule, Windows Firewall commits the rule and
// verifies it for correctness": https://learn.microsoft.com/windows/win32/api/netfw/nn-netfw-inetfwrule
#pragma once

#include "tests/wine/firewall/com_object.hpp"
//
#include <netfw.h>

#include <functional>

#include "tests/wine/lab/firewall_store.hpp"

namespace rdpmend::lab {

class RuleObject final : public DispatchObject<INetFwRule3> {
 public:
  // Empty: a new rule, which is nowhere until INetFwRules::Add.
  explicit RuleObject(std::wstring id) : id_(std::move(id)) {}
  // A rule of Group Policy: it can be read, and is changed in the policy only.
  explicit RuleObject(RuleText of_policy) : unsaved_(std::move(of_policy)), by_policy_(true) {}

  const std::wstring& id() const { return id_; }
  // INetFwRules::Add: from now on each change is committed.
  void add_as(std::wstring id);

  HRESULT STDMETHODCALLTYPE get_Name(BSTR* out) override;
  HRESULT STDMETHODCALLTYPE put_Name(BSTR value) override;
  HRESULT STDMETHODCALLTYPE get_Description(BSTR* out) override;
  HRESULT STDMETHODCALLTYPE put_Description(BSTR value) override;
  HRESULT STDMETHODCALLTYPE get_ApplicationName(BSTR* out) override;
  HRESULT STDMETHODCALLTYPE put_ApplicationName(BSTR value) override;
  HRESULT STDMETHODCALLTYPE get_ServiceName(BSTR* out) override;
  HRESULT STDMETHODCALLTYPE put_ServiceName(BSTR value) override;
  HRESULT STDMETHODCALLTYPE get_Protocol(LONG* out) override;
  HRESULT STDMETHODCALLTYPE put_Protocol(LONG value) override;
  HRESULT STDMETHODCALLTYPE get_LocalPorts(BSTR* out) override;
  HRESULT STDMETHODCALLTYPE put_LocalPorts(BSTR value) override;
  HRESULT STDMETHODCALLTYPE get_RemotePorts(BSTR* out) override;
  HRESULT STDMETHODCALLTYPE put_RemotePorts(BSTR value) override;
  HRESULT STDMETHODCALLTYPE get_LocalAddresses(BSTR* out) override;
  HRESULT STDMETHODCALLTYPE put_LocalAddresses(BSTR value) override;
  HRESULT STDMETHODCALLTYPE get_RemoteAddresses(BSTR* out) override;
  HRESULT STDMETHODCALLTYPE put_RemoteAddresses(BSTR value) override;
  HRESULT STDMETHODCALLTYPE get_Direction(NET_FW_RULE_DIRECTION* out) override;
  HRESULT STDMETHODCALLTYPE put_Direction(NET_FW_RULE_DIRECTION value) override;
  HRESULT STDMETHODCALLTYPE get_Enabled(VARIANT_BOOL* out) override;
  HRESULT STDMETHODCALLTYPE put_Enabled(VARIANT_BOOL value) override;
  HRESULT STDMETHODCALLTYPE get_Grouping(BSTR* out) override;
  HRESULT STDMETHODCALLTYPE put_Grouping(BSTR value) override;
  HRESULT STDMETHODCALLTYPE get_Profiles(LONG* out) override;
  HRESULT STDMETHODCALLTYPE put_Profiles(LONG value) override;
  HRESULT STDMETHODCALLTYPE get_EdgeTraversal(VARIANT_BOOL* out) override;
  HRESULT STDMETHODCALLTYPE put_EdgeTraversal(VARIANT_BOOL value) override;
  HRESULT STDMETHODCALLTYPE get_Action(NET_FW_ACTION* out) override;
  HRESULT STDMETHODCALLTYPE put_Action(NET_FW_ACTION value) override;

  // What no Remote Desktop rule needs.
  HRESULT STDMETHODCALLTYPE get_IcmpTypesAndCodes(BSTR* out) override { return give_text({}, out); }
  HRESULT STDMETHODCALLTYPE put_IcmpTypesAndCodes(BSTR) override { return E_NOTIMPL; }
  HRESULT STDMETHODCALLTYPE get_Interfaces(VARIANT* out) override { return no_variant(out); }
  HRESULT STDMETHODCALLTYPE put_Interfaces(VARIANT) override { return E_NOTIMPL; }
  HRESULT STDMETHODCALLTYPE get_InterfaceTypes(BSTR* out) override { return give_text(L"All", out); }
  HRESULT STDMETHODCALLTYPE put_InterfaceTypes(BSTR) override { return E_NOTIMPL; }
  HRESULT STDMETHODCALLTYPE get_EdgeTraversalOptions(LONG* out) override { return give(LONG{0}, out); }
  HRESULT STDMETHODCALLTYPE put_EdgeTraversalOptions(LONG) override { return E_NOTIMPL; }
  HRESULT STDMETHODCALLTYPE get_LocalAppPackageId(BSTR* out) override { return give_text({}, out); }
  HRESULT STDMETHODCALLTYPE put_LocalAppPackageId(BSTR) override { return E_NOTIMPL; }
  HRESULT STDMETHODCALLTYPE get_LocalUserOwner(BSTR* out) override { return give_text({}, out); }
  HRESULT STDMETHODCALLTYPE put_LocalUserOwner(BSTR) override { return E_NOTIMPL; }
  HRESULT STDMETHODCALLTYPE get_LocalUserAuthorizedList(BSTR* out) override { return give_text({}, out); }
  HRESULT STDMETHODCALLTYPE put_LocalUserAuthorizedList(BSTR) override { return E_NOTIMPL; }
  HRESULT STDMETHODCALLTYPE get_RemoteUserAuthorizedList(BSTR* out) override { return give_text({}, out); }
  HRESULT STDMETHODCALLTYPE put_RemoteUserAuthorizedList(BSTR) override { return E_NOTIMPL; }
  HRESULT STDMETHODCALLTYPE get_RemoteMachineAuthorizedList(BSTR* out) override { return give_text({}, out); }
  HRESULT STDMETHODCALLTYPE put_RemoteMachineAuthorizedList(BSTR) override { return E_NOTIMPL; }
  HRESULT STDMETHODCALLTYPE get_SecureFlags(LONG* out) override { return give(LONG{0}, out); }
  HRESULT STDMETHODCALLTYPE put_SecureFlags(LONG) override { return E_NOTIMPL; }

 private:
  bool implements(REFIID wanted) const override;
  static HRESULT no_variant(VARIANT* out);
  // The rule as it is now. nullopt: somebody has removed it.
  std::optional<RuleText> current() const;
  HRESULT give_field(std::wstring_view field, BSTR* out) const;
  HRESULT give_list(std::wstring_view field, BSTR* out) const;
  // Makes the change of the rule as it is now, verifies it, and writes it.
  HRESULT commit(const std::function<void(RuleText&)>& change);
  HRESULT commit_field(std::wstring_view field, std::wstring_view value);
  HRESULT commit_list(std::wstring_view field, BSTR value);

  std::wstring id_;
  RuleText unsaved_;  // While it has no id.
  bool by_policy_ = false;
};

}  // namespace rdpmend::lab
