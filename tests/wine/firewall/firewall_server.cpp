// The COM server behind NetFwPolicy2 and NetFwRule, in place of Wine's, which keeps no rules. `lab.exe setup` names it
// in HKLM\SOFTWARE\Classes\CLSID\...\InprocServer32, so CoCreateInstance reaches it as it reaches FirewallAPI.dll.
// https://learn.microsoft.com/windows/win32/com/inprocserver32
#include "tests/wine/firewall/policy_object.hpp"
#include "tests/wine/firewall/rule_object.hpp"

namespace rdpmend::lab {

namespace {

template <class Make>
class Factory final : public ComObject<IClassFactory> {
 public:
  explicit Factory(Make make) : make_(make) {}

  HRESULT STDMETHODCALLTYPE CreateInstance(IUnknown* outer, REFIID wanted, void** out) override {
    if (outer) return CLASS_E_NOAGGREGATION;
    auto* object = make_();
    const auto result = object->QueryInterface(wanted, out);
    object->Release();
    return result;
  }
  HRESULT STDMETHODCALLTYPE LockServer(BOOL lock) override {
    com_objects += lock ? 1 : -1;
    return S_OK;
  }

 private:
  bool implements(REFIID wanted) const override { return is_one_of<IClassFactory>(wanted); }
  const Make make_;
};

template <class Make>
HRESULT give_factory(Make make, REFIID wanted, void** out) {
  auto* factory = new Factory<Make>(make);
  const auto result = factory->QueryInterface(wanted, out);
  factory->Release();
  return result;
}

}  // namespace

}  // namespace rdpmend::lab

using namespace rdpmend::lab;

extern "C" {

HRESULT WINAPI DllGetClassObject(REFCLSID wanted_class, REFIID wanted, void** out) {
  if (IsEqualCLSID(wanted_class, __uuidof(NetFwPolicy2)))
    return give_factory([]() -> IUnknown* { return new PolicyObject; }, wanted, out);
  if (IsEqualCLSID(wanted_class, __uuidof(NetFwRule)))
    return give_factory([]() -> IUnknown* { return new RuleObject(std::wstring()); }, wanted, out);
  return CLASS_E_CLASSNOTAVAILABLE;
}

HRESULT WINAPI DllCanUnloadNow() {
  return com_objects == 0 ? S_OK : S_FALSE;
}

// Stays loaded: threads that were inside keep storage of its C++ runtime, which would be gone with it.
BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, LPVOID) {
  HMODULE pinned = nullptr;
  if (reason == DLL_PROCESS_ATTACH)
    GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                       reinterpret_cast<LPCWSTR>(module), &pinned);
  return TRUE;
}
}
