// This Windows computer as an RDP host: owns one adapter per port.
#pragma once

#include "agent-lib/host/host.hpp"
#include "agent-lib/win32/certificate_stores.hpp"
#include "agent-lib/win32/clock.hpp"
#include "agent-lib/win32/event_channels.hpp"
#include "agent-lib/win32/firewall.hpp"
#include "agent-lib/win32/key_files.hpp"
#include "agent-lib/win32/listener.hpp"
#include "agent-lib/win32/registry.hpp"
#include "agent-lib/win32/services.hpp"
#include "agent-lib/win32/sessions.hpp"

namespace rdpmend::win32 {

class Win32Host {
 public:
  // kept_keys: a folder that is private to the service, for copies of key files. Empty: none can be kept.
  static Result<std::unique_ptr<Win32Host>> open(std::wstring kept_keys = {});

  HostControl control();

 private:
  Win32Host(HostIdentity identity, std::wstring kept_keys)
      : identity_(std::move(identity)), key_files_(std::move(kept_keys)) {}

  HostIdentity identity_;
  Win32Clock clock_;
  Win32EventChannels events_;
  Win32Registry registry_;
  Win32CertificateStores certificates_;
  Win32KeyFiles key_files_;
  Win32Services services_;
  Win32Firewall firewall_;
  Win32Sessions sessions_;
  Win32Listener listener_;
};

}  // namespace rdpmend::win32
