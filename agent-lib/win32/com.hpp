// COM for the length of a call, on the thread of the call. Objects are released before the apartment is left.
#pragma once

#include <string_view>

#include "agent-lib/support/result.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"

#include <objbase.h>
#include <oleauto.h>

namespace rdpmend::win32 {

template <class Interface>
struct ComTraits {
  using Raw = Interface*;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { raw->Release(); }
};
template <class Interface>
using ComPtr = UniqueHandle<ComTraits<Interface>>;

struct BstrTraits {
  using Raw = BSTR;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { SysFreeString(raw); }
};
using UniqueBstr = UniqueHandle<BstrTraits>;

class ComApartment {
 public:
  ComApartment() : result_(CoInitializeEx(nullptr, COINIT_MULTITHREADED)) {}
  // RPC_E_CHANGED_MODE: the thread has an apartment of another kind, which serves as well and is not ours to leave.
  ~ComApartment() {
    if (SUCCEEDED(result_)) CoUninitialize();
  }
  ComApartment(const ComApartment&) = delete;
  ComApartment& operator=(const ComApartment&) = delete;

 private:
  HRESULT result_;
};

template <class Interface>
Result<ComPtr<Interface>> create_com(const CLSID& clsid, std::string_view doing, DWORD context = CLSCTX_INPROC_SERVER) {
  ComPtr<Interface> object;
  const auto result =
      CoCreateInstance(clsid, nullptr, context, __uuidof(Interface), reinterpret_cast<void**>(object.out()));
  if (FAILED(result)) return fail(hresult_error(doing, result));
  return object;
}

template <class Interface>
Result<ComPtr<Interface>> query_com(IUnknown* unknown, std::string_view doing) {
  ComPtr<Interface> object;
  const auto result = unknown->QueryInterface(__uuidof(Interface), reinterpret_cast<void**>(object.out()));
  if (FAILED(result)) return fail(hresult_error(doing, result));
  return object;
}

}  // namespace rdpmend::win32
