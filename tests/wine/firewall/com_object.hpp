// What every COM object of ours has: a count of references, QueryInterface, and an IDispatch without type information,
// which the product does not use.
#pragma once

#include <windows.h>

#include <objbase.h>
#include <oleauto.h>

#include <atomic>
#include <string>

// Interfaces of COM have no virtual destructor, by its binary contract; objects are destroyed by Release alone.
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
#endif

namespace rdpmend::lab {

inline std::atomic<long> com_objects{0};  // Alive in this DLL, and locks on it.

template <class Interface>
class ComObject : public Interface {
 public:
  ComObject(const ComObject&) = delete;
  ComObject& operator=(const ComObject&) = delete;

  ULONG STDMETHODCALLTYPE AddRef() override { return static_cast<ULONG>(++references_); }
  ULONG STDMETHODCALLTYPE Release() override {
    const long left = --references_;
    if (left == 0) delete this;
    return static_cast<ULONG>(left);
  }
  HRESULT STDMETHODCALLTYPE QueryInterface(REFIID wanted, void** object) override {
    if (!object) return E_POINTER;
    *object = nullptr;
    if (!IsEqualIID(wanted, IID_IUnknown) && !implements(wanted)) return E_NOINTERFACE;
    *object = static_cast<Interface*>(this);
    AddRef();
    return S_OK;
  }

 protected:
  ComObject() { ++com_objects; }
  virtual ~ComObject() { --com_objects; }
  virtual bool implements(REFIID wanted) const = 0;

 private:
  std::atomic<long> references_{1};
};

template <class Interface>
class DispatchObject : public ComObject<Interface> {
 public:
  HRESULT STDMETHODCALLTYPE GetTypeInfoCount(UINT* count) override {
    if (count) *count = 0;
    return S_OK;
  }
  HRESULT STDMETHODCALLTYPE GetTypeInfo(UINT, LCID, ITypeInfo**) override { return E_NOTIMPL; }
  HRESULT STDMETHODCALLTYPE GetIDsOfNames(REFIID, LPOLESTR*, UINT, LCID, DISPID*) override { return E_NOTIMPL; }
  HRESULT STDMETHODCALLTYPE Invoke(DISPID, REFIID, LCID, WORD, DISPPARAMS*, VARIANT*, EXCEPINFO*, UINT*) override {
    return E_NOTIMPL;
  }
};

template <class... Interfaces>
bool is_one_of(REFIID wanted) {
  return (IsEqualIID(wanted, __uuidof(Interfaces)) || ...);
}

// No text is a null BSTR, as the firewall's objects give it.
inline HRESULT give_text(const std::wstring& text, BSTR* out) {
  if (!out) return E_POINTER;
  *out = text.empty() ? nullptr : SysAllocStringLen(text.data(), static_cast<UINT>(text.size()));
  return text.empty() || *out ? S_OK : E_OUTOFMEMORY;
}
inline std::wstring take_text(BSTR text) {
  return text ? std::wstring(text, SysStringLen(text)) : std::wstring();
}
template <class Value>
HRESULT give(Value value, Value* out) {
  if (!out) return E_POINTER;
  *out = value;
  return S_OK;
}

}  // namespace rdpmend::lab
