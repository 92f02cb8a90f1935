// https://learn.microsoft.com/windows/win32/api/winreg/nf-winreg-regnotifychangekeyvalue
#include "agent-lib/win32/registry_watch.hpp"

#include <fmt/format.h>

#include "agent-lib/support/log.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/registry.hpp"
#include "agent-lib/win32/text.hpp"

namespace rdpmend::win32 {

namespace {

constexpr std::size_t k_max_keys = 32;  // WaitForMultipleObjects takes 64 handles.
constexpr DWORD k_burst_ms = 500;       // A policy refresh or an installer writes many values in a row.
constexpr DWORD k_retry_ms = 60'000;    // When a key could not be armed.
constexpr int k_arm_attempts = 4;

std::string parent_of(const std::string& key) {
  const auto at = key.rfind('\\');
  return at == std::string::npos ? std::string{} : key.substr(0, at);
}

}  // namespace

Result<std::unique_ptr<RegistryWatch>> RegistryWatch::open(const std::vector<std::string>& keys,
                                                           std::function<void()> changed) {
  if (keys.size() > k_max_keys) {
    return fail(ErrorCode::exhausted, fmt::format("at most {} registry keys can be watched", k_max_keys));
  }
  std::vector<Watched> watched;
  for (const auto& key : keys) {
    Watched one{key, UniqueKernel{CreateEventW(nullptr, FALSE, FALSE, nullptr)}, {}};
    if (!one.changed) return fail(last_error("cannot create an event"));
    if (auto armed = arm(one); !armed) return fail(armed.error());
    watched.push_back(std::move(one));
  }
  UniqueKernel stopping{CreateEventW(nullptr, TRUE, FALSE, nullptr)};
  if (!stopping) return fail(last_error("cannot create an event"));
  return std::unique_ptr<RegistryWatch>(new RegistryWatch(std::move(watched), std::move(stopping), std::move(changed)));
}

RegistryWatch::RegistryWatch(std::vector<Watched> watched, UniqueKernel stopping, std::function<void()> changed)
    : watched_(std::move(watched)), stopping_(std::move(stopping)), changed_(std::move(changed)) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

RegistryWatch::~RegistryWatch() {
  thread_.request_stop();
  SetEvent(stopping_.get());
  thread_.join();
}

// A key that is not there yet is seen when it is made below its nearest parent. It may come into being between the
// look and the arming: then the look is repeated. The old key is closed first, because closing one that still has a
// request signals the event.
Status RegistryWatch::arm(Watched& watched) {
  for (int attempt = 0; attempt < k_arm_attempts; ++attempt) {
    watched.opened.reset();
    ResetEvent(watched.changed.get());
    std::string name = watched.key;
    auto opened = open_key(name, KEY_NOTIFY);
    while (opened && !*opened && !name.empty()) {
      name = parent_of(name);
      opened = open_key(name, KEY_NOTIFY);
    }
    if (!opened) return fail(opened.error());
    const bool itself = name == watched.key;
    // THREAD_AGNOSTIC: else the request would end with the thread that makes it.
    const DWORD filter =
        REG_NOTIFY_THREAD_AGNOSTIC | REG_NOTIFY_CHANGE_NAME | (itself ? DWORD{REG_NOTIFY_CHANGE_LAST_SET} : 0);
    const auto status =
        RegNotifyChangeKeyValue(opened->get(), itself ? TRUE : FALSE, filter, watched.changed.get(), TRUE);
    if (status == ERROR_KEY_DELETED) continue;
    if (status != ERROR_SUCCESS) {
      return fail(win32_error(fmt::format("cannot watch HKLM\\{}", name), static_cast<DWORD>(status)));
    }
    watched.opened = std::move(*opened);
    if (itself) return {};
    const auto now_there = open_key(watched.key, KEY_NOTIFY);
    if (!now_there || !*now_there) return {};
  }
  return fail(ErrorCode::unavailable, fmt::format("HKLM\\{} comes and goes", watched.key));
}

void RegistryWatch::run(const std::stop_token& stop) {
  std::vector<HANDLE> handles{stopping_.get()};
  for (const auto& one : watched_) handles.push_back(one.changed.get());
  DWORD patience = INFINITE;
  while (!stop.stop_requested()) {
    const DWORD woken = WaitForMultipleObjects(static_cast<DWORD>(handles.size()), handles.data(), FALSE, patience);
    if (WaitForSingleObject(stopping_.get(), k_burst_ms) == WAIT_OBJECT_0) return;
    // Armed again before anybody reads: what changes after the reading is told again.
    patience = INFINITE;
    for (std::size_t i = 0; i < watched_.size(); ++i) {
      const bool signalled = woken == WAIT_OBJECT_0 + 1 + i || woken == WAIT_TIMEOUT ||
                             WaitForSingleObject(watched_[i].changed.get(), 0) == WAIT_OBJECT_0;
      if (!signalled) continue;
      if (const auto armed = arm(watched_[i]); !armed) {
        log::warning("{}", to_string(armed.error()));
        patience = k_retry_ms;
      }
    }
    tell();
  }
}

// The thread's one catch-all: a listener that throws must not end the process, nor the watch.
void RegistryWatch::tell() const {
  try {
    changed_();
  } catch (const std::exception& error) {
    log::error("whoever is told of registry changes failed: {}", error.what());
  }
}

}  // namespace rdpmend::win32
