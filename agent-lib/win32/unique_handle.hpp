// One owner for every kind of Windows handle. What is "no handle" (null or INVALID_HANDLE_VALUE) and how it is closed
// is the trait's business.
#pragma once

#include <utility>

#include "agent-lib/win32/os.hpp"

namespace rdpmend::win32 {

template <class Traits>
class UniqueHandle {
 public:
  using Raw = typename Traits::Raw;

  UniqueHandle() = default;
  explicit UniqueHandle(Raw raw) : raw_(raw) {}
  UniqueHandle(UniqueHandle&& other) noexcept : raw_(other.release()) {}
  UniqueHandle& operator=(UniqueHandle&& other) noexcept {
    reset(other.release());
    return *this;
  }
  UniqueHandle(const UniqueHandle&) = delete;
  UniqueHandle& operator=(const UniqueHandle&) = delete;
  ~UniqueHandle() { reset(); }

  Raw get() const { return raw_; }
  Raw operator->() const { return raw_; }
  explicit operator bool() const { return raw_ != Traits::none(); }

  Raw release() { return std::exchange(raw_, Traits::none()); }
  void reset(Raw raw = Traits::none()) {
    const Raw old = std::exchange(raw_, raw);
    if (old != Traits::none()) Traits::close(old);
  }
  // For functions that return a handle through a pointer. What was owned is closed first.
  Raw* out() {
    reset();
    return &raw_;
  }

 private:
  Raw raw_ = Traits::none();
};

// Events, processes, threads: functions that return null when they fail.
struct KernelTraits {
  using Raw = HANDLE;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { CloseHandle(raw); }
};
using UniqueKernel = UniqueHandle<KernelTraits>;

// CreateFile returns INVALID_HANDLE_VALUE when it fails.
struct FileTraits {
  using Raw = HANDLE;
  static Raw none() { return INVALID_HANDLE_VALUE; }
  static void close(Raw raw) { CloseHandle(raw); }
};
using UniqueFile = UniqueHandle<FileTraits>;

// What Windows allocates for the caller with LocalAlloc: security descriptors, SID texts.
template <class T>
struct LocalTraits {
  using Raw = T;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { LocalFree(raw); }
};

struct KeyTraits {
  using Raw = HKEY;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { RegCloseKey(raw); }
};
using UniqueKey = UniqueHandle<KeyTraits>;

// The service control manager, and services in it.
struct ServiceTraits {
  using Raw = SC_HANDLE;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { CloseServiceHandle(raw); }
};
using UniqueService = UniqueHandle<ServiceTraits>;

}  // namespace rdpmend::win32
