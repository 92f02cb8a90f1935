// The RDP host, seen through ports. Constness is the capability: a HostView can only read, a HostControl can also
// change.
#pragma once

#include <string>

#include "agent-lib/host/certificate_stores.hpp"
#include "agent-lib/host/clock.hpp"
#include "agent-lib/host/event_channels.hpp"
#include "agent-lib/host/firewall.hpp"
#include "agent-lib/host/key_files.hpp"
#include "agent-lib/host/listener.hpp"
#include "agent-lib/host/registry.hpp"
#include "agent-lib/host/services.hpp"
#include "agent-lib/host/sessions.hpp"

namespace rdpmend {

// What never changes while the service runs.
struct HostIdentity {
  std::string name;     // Computer name.
  std::string kind;     // "windows" or "rehearsal NAME".
  std::string boot_id;  // Another one after each start of the host. Empty: it cannot be told.
};

// References, not owners: whoever made the ports keeps them alive.
struct HostView {
  const HostIdentity& identity;
  const Clock& clock;
  const EventChannels& events;
  const Registry& registry;
  const CertificateStores& certificates;
  const KeyFiles& key_files;
  const Services& services;
  const Firewall& firewall;
  const Sessions& sessions;
  const Listener& listener;

  // The same host, but for one port.
  HostView with(const CertificateStores& other) const {
    return {identity, clock, events, registry, other, key_files, services, firewall, sessions, listener};
  }
  HostView with(const Firewall& other) const {
    return {identity, clock, events, registry, certificates, key_files, services, other, sessions, listener};
  }
};

struct HostControl {
  const HostIdentity& identity;
  const Clock& clock;
  EventChannels& events;
  Registry& registry;
  CertificateStores& certificates;
  KeyFiles& key_files;
  Services& services;
  Firewall& firewall;
  const Sessions& sessions;
  const Listener& listener;

  HostView view() const {
    return {identity, clock, events, registry, certificates, key_files, services, firewall, sessions, listener};
  }
};

}  // namespace rdpmend
